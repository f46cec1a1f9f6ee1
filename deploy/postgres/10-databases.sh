#!/bin/sh
# Runs once, when the data folder is made: two databases, each with a role of its own that cannot connect to the other.
set -eu

: "${OPTOUT_PASSWORD:?is missing}" "${SENDER_PASSWORD:?is missing}"

new_database() { # NAME PASSWORD: a role and its database, both of that name
    psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet -U "$POSTGRES_USER" -d "$POSTGRES_DB" \
        -v name="$1" -v password="$2" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}

new_database optout "$OPTOUT_PASSWORD"
new_database sender "$SENDER_PASSWORD"
