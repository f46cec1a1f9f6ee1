"""Access of Postgres roles to the decision log: the services add to it and read it, only its owner could change it."""

from collections.abc import Mapping
from pathlib import Path

from shared.errors import MisconfiguredError, TransientError
from shared.migrations import lock, migrate
from shared.postgres import POSTGRES_UNAVAILABLE, Connection, DatabaseAddress, connect

PIPELINE = {"decisions": "SELECT, INSERT", "reach_policies": "SELECT", "migrations": "SELECT", "sessions": ""}
"""What the pipeline may do with the tables where it is not everything that a program does."""
API = {
    "decisions": "SELECT",
    "reach_policies": "SELECT, INSERT",
    "suppressions": "SELECT",
    "sent_messages": "SELECT",
    "dropped_messages": "SELECT, INSERT, DELETE",
    "partition_positions": "SELECT",
    "partition_changes": "SELECT",
    "chain_lengths": "SELECT",
    "phone_spellings": "SELECT",
    "merged_suppressions": "SELECT",
    "opt_out_links": "SELECT",
    "suppressions_to_publish": "SELECT",
    "migrations": "SELECT",
}
"""The same for the customer API: it asks the pipeline by way of Kafka, and writes nothing that decides on sending."""
LINKS = {
    "*": "",
    "accounts": "SELECT (account_id, name)",
    "opt_out_links": "SELECT",
    "suppressions": "SELECT",
    "migrations": "SELECT",
}
"""The same for the pages of opt-out links, and nothing of all other tables: anybody can reach that process."""
FUNCTIONS = {"erase_entries(uuid, text, integer)": API}
"""Which of the two may call a function that may do more than its caller: the one way to erase."""
_EVERYTHING = "SELECT, INSERT, UPDATE, DELETE"

_TABLES = "SELECT quote_ident(tablename) AS quoted, tablename FROM pg_tables WHERE schemaname = current_schema()"
_COULD_CHANGE = """
SELECT current_user AS role, pg_has_role(datdba, 'MEMBER') OR has_schema_privilege(current_schema(), 'CREATE')
OR EXISTS (
    SELECT FROM pg_class WHERE oid = to_regclass('decisions') AND (
        pg_has_role(relowner, 'MEMBER') OR has_any_column_privilege(oid, 'UPDATE')
        OR has_table_privilege(oid, 'DELETE, TRUNCATE, TRIGGER')
    )
) AS could FROM pg_database WHERE datname = current_database()
"""


async def prepare_tables(url: str, migrations: Path, roles: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Make the tables as their owner, and give the services' roles what they need; return which migrations ran.

    Args:
        url: of the owner.
        migrations: the folder of SQL files.
        roles: the name of each role with `PIPELINE`, `API` or `LINKS`.

    Raises:
        MisconfiguredError: the address or a role is wrong.
        TransientError: Postgres does not answer.
    """
    try:
        connection = await connect(DatabaseAddress(url, "STOPLINE_OPTOUT_MIGRATION_URL", statement_seconds=30.0))
        try:
            ran = await migrate(connection, migrations)
            async with connection.transaction():
                await lock(connection)
                for role, exceptions in roles.items():
                    await _grant(connection, role, exceptions)
        finally:
            await connection.close()
    except POSTGRES_UNAVAILABLE as error:
        raise TransientError(f"Postgres does not answer: {error!r}") from error
    return ran


async def _grant(connection: Connection, role: str, exceptions: Mapping[str, str]) -> None:
    """Give `role` what it needs of all tables that there are now, and take away all else."""
    quoted = await connection.fetchval("SELECT quote_ident(rolname) FROM pg_roles WHERE rolname = $1", role)
    if quoted is None:
        raise MisconfiguredError(f"Postgres has no role {role!r}: CREATE ROLE {role} LOGIN PASSWORD '…'")
    database = await connection.fetchval("SELECT quote_ident(current_database())")
    schema = await connection.fetchval("SELECT quote_ident(current_schema())")
    await connection.execute(f"GRANT CONNECT ON DATABASE {database} TO {quoted}")
    await connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {quoted}")
    if "*" not in exceptions:
        await connection.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {quoted}")
    for table in await connection.fetch(_TABLES):
        rights = exceptions.get(table["tablename"], exceptions.get("*", _EVERYTHING))
        await connection.execute(f"REVOKE ALL ON {table['quoted']} FROM {quoted}")
        if rights:
            await connection.execute(f"GRANT {rights} ON {table['quoted']} TO {quoted}")
    for function, who in FUNCTIONS.items():
        await connection.execute(f"REVOKE ALL ON FUNCTION {function} FROM {quoted}")
        if who == exceptions:
            await connection.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {quoted}")


async def check_record_is_kept(connection: Connection) -> None:
    """Refuse a role that could change the decision log.

    Raises:
        MisconfiguredError: says what to do about it.
    """
    found = await connection.fetchrow(_COULD_CHANGE)
    if found is not None and found["could"]:
        raise MisconfiguredError(
            f"STOPLINE_OPTOUT_DATABASE_URL: the role {found['role']} could change the record, or its tables: let it run"
            " `stopline migrate` as STOPLINE_OPTOUT_MIGRATION_URL and give the service a role of its own"
            " (docs/security.md), or accept it with STOPLINE_UNPROTECTED_RECORD=true"
        )
