"""The record's roles may add entries and read them, and change none; asked of the real database, as each role."""

import asyncio

import asyncpg
import pytest
from optout_world import OptOutWorld

from harness.stack.embedded import EmbeddedBackend
from harness.stack.service import Service
from services.optout.decision_log.access import PIPELINE, prepare_tables
from services.optout.prepare import MIGRATIONS
from shared.errors import MisconfiguredError

CHANGES = (
    "UPDATE decisions SET body = 'go on'",
    "UPDATE decisions SET entry = entry WHERE false",
    "DELETE FROM decisions",
    "DELETE FROM decisions WHERE false",
    "TRUNCATE decisions",
    "ALTER TABLE decisions ADD COLUMN more text",
    "ALTER TABLE decisions DISABLE TRIGGER ALL",
    "ALTER TABLE decisions OWNER TO CURRENT_USER",
    "DROP TABLE decisions",
    "DROP TRIGGER record_is_kept ON decisions",
    "CREATE OR REPLACE FUNCTION refuse_change_of_record() RETURNS trigger LANGUAGE sql AS 'SELECT NULL'",
    "CREATE RULE silent AS ON INSERT TO decisions DO INSTEAD NOTHING",
    "CREATE TRIGGER other BEFORE INSERT ON decisions FOR EACH ROW EXECUTE FUNCTION refuse_change_of_record()",
    "CREATE TABLE shadow (x int)",
    "INSERT INTO decisions SELECT * FROM decisions ON CONFLICT (event_id) DO UPDATE SET body = 'go on'",
    "MERGE INTO decisions d USING decisions o ON d.event_id = o.event_id WHEN MATCHED THEN UPDATE SET body = 'go on'",
    "SELECT * FROM decisions FOR UPDATE",
    "DROP SCHEMA public CASCADE",
    "GRANT ALL ON decisions TO CURRENT_USER",
    "UPDATE migrations SET name = 'none'",
    "SET ROLE optout",
    "SET session_replication_role = replica",
)
WRITES_OF_THE_PIPELINE = (
    "INSERT INTO decisions SELECT * FROM decisions WHERE false",
    "UPDATE suppressions SET state = 'opted_in' WHERE false",
    "DELETE FROM sent_messages WHERE false",
    "UPDATE partition_positions SET next_offset = 0 WHERE false",
)


def url_of(backend: EmbeddedBackend, role: str) -> str:
    return backend.optout_api_url if role == "optout_api" else backend.optout_pipeline_url


async def refuses(url: str, statement: str) -> bool:
    """Report whether the role may not; a GRANT that gives nothing is a warning in Postgres, so rights are looked at."""
    connection = await asyncpg.connect(url)
    rights = "SELECT has_table_privilege('decisions', 'UPDATE, DELETE, TRUNCATE')"
    try:
        await connection.execute(statement)
        return statement.startswith("GRANT") and not await connection.fetchval(rights)
    except asyncpg.InsufficientPrivilegeError:
        return True
    finally:
        await connection.close()


async def written(service: Service, text: str) -> None:
    async with asyncio.timeout(60):
        while text not in service.process.log_tail():  # noqa: ASYNC110 (another process writes it)
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("role", ["optout_pipeline", "optout_api"])
async def test_nothing_changes_the_record(backend: EmbeddedBackend, role: str) -> None:
    url = url_of(backend, role)
    assert [statement for statement in CHANGES if not await refuses(url, statement)] == []


async def test_the_pipeline_adds_to_the_record_and_the_api_only_reads_it(backend: EmbeddedBackend) -> None:
    for statement in WRITES_OF_THE_PIPELINE:
        assert not await refuses(backend.optout_pipeline_url, statement)
        assert await refuses(backend.optout_api_url, statement)
    assert not await refuses(backend.optout_api_url, "SELECT FROM decisions, suppressions, sent_messages")


@pytest.mark.parametrize("statement", ["UPDATE decisions SET body = ''", "DELETE FROM decisions", "TRUNCATE decisions"])
async def test_even_the_owner_must_first_take_the_trigger_away(backend: EmbeddedBackend, statement: str) -> None:
    assert await refuses(backend.optout_database_url, statement)


async def test_a_service_refuses_a_role_that_could_change_the_record(world: OptOutWorld) -> None:
    owner = world.backend.optout_database_url
    for service in (world.service, world.api):
        await service.start(extra_env={"STOPLINE_OPTOUT_DATABASE_URL": owner}, wait=False)
        assert await service.process.wait_exit(60) == 78
        assert "the role optout could change the record" in service.process.log_tail(1)
        assert "Traceback" not in service.process.log_tail(50)


async def test_one_role_for_everything_runs_where_that_is_accepted(world: OptOutWorld) -> None:
    accepted = {
        "STOPLINE_OPTOUT_DATABASE_URL": world.backend.optout_database_url,
        "STOPLINE_UNPROTECTED_RECORD": "true",
    }
    await world.service.start(extra_env=accepted)


@pytest.mark.parametrize(
    "right",
    ["UPDATE (body) ON decisions", "DELETE ON decisions", "TRUNCATE ON decisions", "optout", "CREATE ON SCHEMA public"],
)
async def test_a_right_too_many_is_noticed(world: OptOutWorld, right: str) -> None:
    owner = await asyncpg.connect(world.backend.postgres.url("stopline").rpartition("/")[0] + "/optout")
    try:
        await owner.execute(f"GRANT {right} TO optout_pipeline")
        await world.service.start(wait=False)
        assert await world.service.process.wait_exit(60) == 78
        assert "could change the record" in world.service.process.log_tail(1)
    finally:
        await owner.execute(f"REVOKE {right} FROM optout_pipeline")
        await owner.close()


async def test_a_role_that_does_not_exist_is_named(backend: EmbeddedBackend) -> None:
    with pytest.raises(MisconfiguredError, match="Postgres has no role 'nobody'"):
        await prepare_tables(backend.optout_database_url, MIGRATIONS, {"nobody": PIPELINE})


async def test_a_service_that_is_newer_than_the_tables_says_what_has_to_run(world: OptOutWorld) -> None:
    owner = await asyncpg.connect(world.backend.optout_database_url)
    try:
        await owner.execute("UPDATE migrations SET name = '9998' WHERE name = '0006_simulations.sql'")
        await world.service.start(wait=False)
        await written(world.service, "`stopline migrate` has to run: 0006_simulations.sql")
    finally:
        await owner.execute("UPDATE migrations SET name = '0006_simulations.sql' WHERE name = '9998'")
        await owner.close()
