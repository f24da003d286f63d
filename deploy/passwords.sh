#!/bin/sh
# Run by the PostgreSQL image when it makes its data for the first time, after roles.sql and databases.sql.
set -eu
psql -v ON_ERROR_STOP=1 -v owner="$OWNER_PASSWORD" -v app="$APP_PASSWORD" --username "$POSTGRES_USER" postgres <<'SQL'
ALTER ROLE dukani_owner PASSWORD :'owner';
ALTER ROLE dukani_app PASSWORD :'app';
SQL
