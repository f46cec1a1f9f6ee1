"""The evidence needs no trust in the database: whatever its owner rewrites differs from the anchors outside it."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from command_line import command_line
from optout_world import OptOutWorld, Worlds

from harness.postgres.passwords import OWNER
from services.optout.decision_log.entry import link
from shared.partitions import partition_of

Rows = list[dict[str, Any]]
OTHER_ACCOUNT = "another-account"


def stopline(world: OptOutWorld, *command: str) -> tuple[int, str]:
    settings = {
        "STOPLINE_OPTOUT_DATABASE_URL": world.backend.optout_pipeline_url,
        "STOPLINE_KAFKA_BOOTSTRAP": world.backend.kafka_bootstrap,
        "STOPLINE_PARTITIONS": str(world.partitions),
    }
    code, output, errors = command_line(settings, "evidence", *command)
    assert errors == ""
    return code, output


class Auditor:
    """Has a script and the anchors of before, nothing of Stopline, and verifies what it is given."""

    def __init__(self, world: OptOutWorld, folder: Path) -> None:
        self._world = world
        self.folder = folder
        (folder / "verify.py").write_text(stopline(world, "script")[1])
        (folder / "anchors").write_text(stopline(world, "anchor", "--to", "-")[1])

    def verify(self, *selection: str) -> tuple[int, str]:
        (self.folder / "export").write_text(stopline(self._world, "export", *selection)[1])
        options = ["--selection"] if selection else []
        done = subprocess.run(
            [sys.executable, "-I", "verify.py", "export", "anchors", *options],
            cwd=self.folder, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.stderr == ""
        return done.returncode, done.stdout


def neighbour(world: OptOutWorld) -> str:
    """Return another phone of the same partition."""
    phones = (f"+1202555{number:04d}" for number in range(10_000))
    return next(each for each in phones if partition_of(each, world.partitions) == world.partition)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(worlds: Worlds) -> AsyncIterator[OptOutWorld]:
    async with worlds() as world:
        yield world


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def auditor(world: OptOutWorld, tmp_path_factory: pytest.TempPathFactory) -> Auditor:
    await world.service.start()
    other = neighbour(world)
    for body, phone in (("STOP", world.phone), ("hi", other), ("hello", world.phone), ("STOP", other)):
        await world.says(body, phone=phone)
        await world.fence()
    await world.says("START")
    await world.says("thanks", phone=other)
    await world.fence()
    await world.service.stop()
    return Auditor(world, tmp_path_factory.mktemp("auditor"))


@asynccontextmanager
async def rewritten(world: OptOutWorld, change: Callable[[Rows], Rows], *, recompute: bool) -> AsyncIterator[None]:
    """Rewrite a partition's chain as a superuser who may do everything and leaves no trace in Postgres, and undo it."""
    url = world.backend.postgres.url(OWNER).removesuffix("/postgres") + "/optout"
    connection = await asyncpg.connect(url)
    tables = ("decisions", "partition_positions")
    try:
        await connection.execute("SET session_replication_role = replica")
        for table in tables:
            await connection.execute(f"CREATE TEMPORARY TABLE kept_{table} AS SELECT * FROM {table}")
        of_partition = f"FROM decisions WHERE partition = {world.partition}"
        rows = change([dict(row) for row in await connection.fetch(f"SELECT * {of_partition} ORDER BY sequence")])
        if recompute:
            rechain(rows)
            await connection.execute(
                "UPDATE partition_positions SET sequence = $2, head_hash = $3 WHERE partition = $1",
                world.partition, len(rows), rows[-1]["hash"],
            )  # fmt: skip
        await connection.execute(f"DELETE {of_partition}")
        await connection.copy_records_to_table(
            "decisions", records=[tuple(row.values()) for row in rows], columns=list(rows[0])
        )
        yield
    finally:
        for table in tables:
            await connection.execute(f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table}")
        await connection.close()


def rechain(rows: Rows) -> None:
    """Give the rows the sequence, the trails and the hashes that they would have, were they the whole truth."""
    hashed, last = b"", {}
    for sequence, row in enumerate(rows, 1):
        entry = json.loads(row["entry"])
        entry |= {name: str(row[name]) for name in ("account_id", "phone")}
        entry["body_sha256"] = sha256(row["body"].encode()).hexdigest()
        recipient = entry["account_id"], entry["phone"]
        entry["previous_sequence"], last[recipient] = last.get(recipient, 0), sequence
        row["entry"] = json.dumps(entry, separators=(",", ":"))
        hashed = link(hashed, row["entry"])
        row["sequence"], row["hash"] = sequence, hashed


def changed(**columns: object) -> Callable[[Rows], Rows]:
    return lambda rows: [{**row, **(columns if row["body"] == "hello" else {})} for row in rows]


def without(*places: int) -> Callable[[Rows], Rows]:
    return lambda rows: [row for place, row in enumerate(rows) if place not in {each % len(rows) for each in places}]


def without_phone(rows: Rows) -> Rows:
    return [row for row in rows if row["phone"] != rows[-1]["phone"]]


def moved(rows: Rows) -> Rows:
    """Move one entry to another account, in its text too."""
    for row in rows:
        if row["body"] == "hello":
            row["entry"] = row["entry"].replace(row["account_id"], OTHER_ACCOUNT)
            row["account_id"] = OTHER_ACCOUNT
    return rows


def reworded(rows: Rows) -> Rows:
    for row in rows:
        row["entry"] = row["entry"].replace('"answer":"opt_out"', '"answer":"none"')
    return rows


async def test_what_nobody_has_changed_is_verified(world: OptOutWorld, auditor: Auditor) -> None:
    code, output = auditor.verify()
    assert (code, " 0 not anchored yet) verified" in output) == (0, True), output
    code, output = auditor.verify("--account", world.account_id, "--phone", world.phone)
    assert (code, output.strip().startswith("3 entries")) == (0, True), output
    code, output = stopline(world, "verify")
    assert (code, output.endswith("chain unbroken\n")) == (0, True), output


REWRITTEN: dict[str, Callable[[Rows], Rows]] = {
    "a body changed": changed(body="hallo"),
    "entries changed": reworded,
    "the first deleted": without(0),
    "a middle one deleted": without(2),
    "the last deleted": without(-1),
    "a whole phone deleted": without_phone,
    "moved to another account": moved,
    "shown in another account": changed(account_id=OTHER_ACCOUNT),
}


async def test_whatever_is_rewritten_is_found(world: OptOutWorld, auditor: Auditor) -> None:
    """With the chain as it was, and with all of it recomputed, so that the database agrees with itself."""
    for recompute in (False, True):
        for name, change in REWRITTEN.items():
            async with rewritten(world, change, recompute=recompute):
                code, output = auditor.verify()
                assert (code, f"partition {world.partition}, entry " in output) == (1, True), (name, recompute, output)
                assert stopline(world, "verify")[0] == 1, (name, recompute)
    assert auditor.verify()[0] == 0


def hidden(rows: Rows) -> Rows:
    """Call an entry erased, which no erasure in the chain has asked for."""
    for row in rows:
        if row["body"] == "hello":
            digest = sha256(row["entry"].encode()).digest()
            row |= {"phone": f"erased:00000000:{'0' * 32}", "body": "", "entry_sha256": digest, "erasure_id": uuid4()}
    return rows


async def test_nobody_hides_an_entry_by_calling_it_erased(world: OptOutWorld, auditor: Auditor) -> None:
    async with rewritten(world, hidden, recompute=False):
        for code, output in (
            auditor.verify(),
            auditor.verify("--account", world.account_id),
            stopline(world, "verify"),
        ):
            assert (code, "more of erased:00000000:" in output) == (1, True), output


async def test_one_person_finds_it_without_seeing_others(world: OptOutWorld, auditor: Auditor) -> None:
    selection = ("--account", world.account_id, "--phone", world.phone)
    for recompute in (False, True):
        for name in ("a body changed", "entries changed", "moved to another account", "the first deleted"):
            async with rewritten(world, REWRITTEN[name], recompute=recompute):
                code, output = auditor.verify(*selection)
                assert code == 1 or (name, recompute) == ("the first deleted", False), (name, recompute, output)
                assert neighbour(world) not in (auditor.folder / "export").read_text()

        async with rewritten(world, lambda rows: [row for row in rows if row["body"] != "hello"], recompute=recompute):
            assert auditor.verify(*selection)[0] == 1


async def test_a_destination_gets_each_anchor_once_and_then_the_new_ones(
    world: OptOutWorld, auditor: Auditor, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    for _ in range(2):
        assert stopline(world, "anchor", "--to", f"file:{kept}") == (0, "")
        assert sorted(kept.read_text().splitlines()) == sorted((auditor.folder / "anchors").read_text().splitlines())
    assert stopline(world, "verify", "--anchors", str(kept))[0] == 0
