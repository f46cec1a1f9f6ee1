"""`stopline record verify` finds whatever a superuser of Postgres has changed in the record, and nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from command_line import command_line
from optout_world import OptOutWorld

from harness.machine.ports import free_ports
from harness.postgres.passwords import OWNER


def verify(url: str) -> tuple[int, str, str]:
    return command_line({"STOPLINE_OPTOUT_DATABASE_URL": url}, "record", "verify")


@asynccontextmanager
async def tampered(world: OptOutWorld, change: str, table: str = "decisions") -> AsyncIterator[None]:
    """Make one change as a superuser whom no trigger stops, and undo it afterwards."""
    url = world.backend.postgres.url(OWNER).removesuffix("/postgres") + "/optout"
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(f"CREATE TEMPORARY TABLE kept AS SELECT * FROM {table}")
        await connection.execute(change)
        yield
    finally:
        await connection.execute(f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept")
        await connection.close()


async def test_verify_finds_each_kind_of_change_and_names_the_first_entry(world: OptOutWorld) -> None:
    await world.service.start()
    for body in ("STOP", "hello", "START"):
        await world.says(body)
    await world.fence()
    await world.service.stop()
    url, partition = world.backend.optout_pipeline_url, world.partition
    stored = (await world.fetch("SELECT count(*) FROM decisions"))[0][0]
    partitions = (await world.fetch("SELECT count(*) FROM partition_positions"))[0][0]
    code, output, error = verify(url)
    assert (code, error) == (0, "")
    assert output == f"{stored} entries of {partitions} partitions verified, chain unbroken\n"

    rows = await world.fetch("SELECT sequence, body FROM decisions WHERE account_id = $1", world.account_id)
    hello = next(row["sequence"] for row in rows if row["body"] == "hello")
    last = max(row["sequence"] for row in rows)
    where = f"WHERE partition = {partition} AND sequence"
    for change, sequence, difference in (
        (f"UPDATE decisions SET entry = overlay(entry placing ' ' from 2 for 1) {where} = {hello}", hello, "its hash"),
        (f"UPDATE decisions SET hash = '\\x00' {where} = {hello}", hello, "its hash"),
        (f"UPDATE decisions SET body = 'hallo' {where} = {hello}", hello, "the message is not the one"),
        (f"UPDATE decisions SET phone = '+12025550199' {where} = {hello}", hello, "its phone differ"),
        (f"DELETE FROM decisions {where} = {hello}", hello, f"it is missing: entry {hello + 1} is in its place"),
        (f"DELETE FROM decisions {where} = {last}", last, f"it is missing: partition_positions counts {last}"),
    ):
        async with tampered(world, change):
            code, output, error = verify(url)
        assert (code, error) == (1, ""), change
        assert output.startswith(f"partition {partition}, entry {sequence}: {difference}"), change
        assert output.endswith("the chain is broken in 1\n"), change
    forged = f"UPDATE partition_positions SET sequence = {hello} WHERE partition = {partition}"
    async with tampered(world, forged, "partition_positions"):
        assert f"entry {last}: partition_positions has another end of the chain: {hello} entries" in verify(url)[1]
    assert verify(url)[0] == 0


@pytest.mark.parametrize("wrong", ["nobody listens", "other database", "no tables"])
def test_a_database_that_cannot_be_verified_is_one_line(world: OptOutWorld, wrong: str) -> None:
    url = {
        "nobody listens": f"postgresql://optout@127.0.0.1:{free_ports(1)[0]}/optout",
        "other database": world.backend.optout_pipeline_url + "_of_somebody",
        "no tables": world.backend.sender_database_url,
    }[wrong]
    code, output, error = verify(url)
    assert (code, output) == (1 if wrong == "nobody listens" else 78, "")
    assert error.startswith("stopline: ")
    assert "STOPLINE_OPTOUT_DATABASE_URL" in error
    assert error.count("\n") == 1
