-- The roles of a PostgreSQL server that holds Dukani's databases. Run once, as a superuser:
--     psql -v ON_ERROR_STOP=1 -f deploy/roles.sql postgres
-- and then give the two that log in their passwords (\password dukani_owner, \password dukani_app).
-- Running it again changes nothing. PostgreSQL 15 or later.

DO $$
BEGIN
    -- Owns the databases and their tables; runs migrations (*_MIGRATION_URL). No process that serves knows its password.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dukani_owner') THEN
        CREATE ROLE dukani_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
    END IF;

    -- What the processes connect as (*_DATABASE_URL). Owns nothing; row-level security binds it. Migrations grant it
    -- what it needs, table by table.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dukani_app') THEN
        CREATE ROLE dukani_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
    END IF;

    -- Sees of every vendor's rows the columns that say what is due. Nobody logs in as it: the application takes it for
    -- one transaction of a loop at a time, and its policies hold for nobody at any other.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dukani_relay') THEN
        CREATE ROLE dukani_relay NOLOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;

    -- Reads everything, changes nothing: GRANT dukani_inspect TO somebody.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dukani_inspect') THEN
        CREATE ROLE dukani_inspect NOLOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;

    -- Inherited or not, it shows nothing more before it is taken. From PostgreSQL 16 a grant can say that it is not.
    IF current_setting('server_version_num')::int >= 160000 THEN
        EXECUTE 'GRANT dukani_relay TO dukani_owner, dukani_app WITH INHERIT FALSE, SET TRUE';
    ELSE
        GRANT dukani_relay TO dukani_owner, dukani_app;
    END IF;
END
$$;
