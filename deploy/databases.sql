-- Dukani's four databases. Run once, as a superuser, after roles.sql:
--     psql -v ON_ERROR_STOP=1 -f deploy/databases.sql postgres
-- One statement a line. On several servers, run on each the lines of its databases.

CREATE DATABASE dukani_platform OWNER dukani_owner ENCODING 'UTF8' TEMPLATE template0;
CREATE DATABASE dukani_ops OWNER dukani_owner ENCODING 'UTF8' TEMPLATE template0;
CREATE DATABASE dukani_conversations OWNER dukani_owner ENCODING 'UTF8' TEMPLATE template0;
CREATE DATABASE dukani_payments OWNER dukani_owner ENCODING 'UTF8' TEMPLATE template0;

REVOKE ALL ON DATABASE dukani_platform, dukani_ops, dukani_conversations, dukani_payments FROM PUBLIC;
GRANT CONNECT ON DATABASE dukani_platform, dukani_ops, dukani_conversations, dukani_payments TO dukani_app, dukani_inspect;
