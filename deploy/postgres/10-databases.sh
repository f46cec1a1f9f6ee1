#!/bin/sh
# Runs when the data folder is made: two databases, each with an owner that cannot connect to the other, and the roles of
# the services that do not own their tables. Running it again makes what is missing, as after an upgrade:
#     docker compose exec postgres sh /docker-entrypoint-initdb.d/10-databases.sh
set -eu

: "${OPTOUT_PASSWORD:?is missing}" "${OPTOUT_PIPELINE_PASSWORD:?is missing}" "${OPTOUT_API_PASSWORD:?is missing}"
: "${OPTOUT_LINKS_PASSWORD:?is missing}" "${SENDER_PASSWORD:?is missing}"

as_owner() { psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet -U "$POSTGRES_USER" -d "$POSTGRES_DB" "$@"; }

role() { # NAME PASSWORD
    as_owner -v name="$1" -v password="$2" <<'SQL'
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', :'name', :'password')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
SQL
}

database() { # NAME: of the role of that name, and nobody else's
    as_owner -v name="$1" <<'SQL'
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}

role optout "$OPTOUT_PASSWORD"
role optout_pipeline "$OPTOUT_PIPELINE_PASSWORD"
role optout_api "$OPTOUT_API_PASSWORD"
role optout_links "$OPTOUT_LINKS_PASSWORD"
role sender "$SENDER_PASSWORD"
database optout
database sender
