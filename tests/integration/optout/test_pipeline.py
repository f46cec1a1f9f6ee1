"""The pipeline on a real Kafka and Postgres: decided once, recorded, published together, whatever dies in between."""

import json
import signal
from datetime import UTC, datetime, timedelta

import asyncpg
from optout_world import OptOutWorld

from harness.evidence.live import check_chain
from shared.events.base import derived_id
from shared.topics import INBOUND_MESSAGES

_HELLO = "WHERE account_id = $1 AND sequence = (SELECT max(sequence) - 1 FROM decisions WHERE account_id = $1)"
_BEGINS = 3  # a watermark for each partition when the process begins, published by the same steps as a batch
RECORDING = ("after_poll", "after_position", "after_load", "before_record_commit", "after_record_commit")
PUBLISHING = ("after_begin", "after_sends", "after_offsets", "before_kafka_commit", "after_kafka_commit")
FAILPOINTS = [f"optout.{place}=kill" for place in RECORDING]
FAILPOINTS += [f"optout.{place}=kill@{_BEGINS + 1}" for place in PUBLISHING]


async def test_a_stop_is_recorded_suppressed_published_and_watermarked(world: OptOutWorld) -> None:
    await world.service.start()
    message_id = await world.was_sent(7)
    stop = await world.says("Stop", replied_message_id=message_id)
    await world.fence()
    assert world.suppressions() == {"list:7": "opted_out"}
    (event,) = world.opt_out_events()
    assert (event.type, event.list_id, event.cause_event_id) == ("opted_out", 7, stop.event_id)
    assert (event.rule, event.attribution) == ("STOP", "replied_message")
    (row,) = await world.fetch("SELECT body, entry FROM decisions WHERE event_id = $1", stop.event_id)
    assert row["body"] == "Stop"
    assert json.loads(row["entry"])["changed"] == ["list:7"]


async def test_a_reply_never_overtakes_the_message_that_it_answers(world: OptOutWorld) -> None:
    """The event that names the list may come in the same instant as the reply; the list is found all the same."""
    await world.service.start()
    for list_id in range(1, 11):
        await world.was_sent(list_id, answered=False)
        await world.says("STOP")
        await world.fence()
        assert world.suppressions()[f"list:{list_id}"] == "opted_out"
    assert "account" not in world.suppressions()


async def test_the_same_event_again_changes_nothing(world: OptOutWorld) -> None:
    await world.service.start()
    await world.was_sent(7)
    stop = await world.says("STOP")
    await world.says("START")
    await world.write(INBOUND_MESSAGES, stop)
    await world.fence()
    assert world.suppressions() == {"list:7": "opted_in"}
    assert [event.type for event in world.opt_out_events()] == ["opted_out", "opted_in"]


async def test_a_start_that_was_written_before_the_stop_brings_nobody_back(world: OptOutWorld) -> None:
    await world.service.start()
    await world.was_sent(7)
    now = datetime.now(UTC)
    await world.says("STOP", sent_at=now)
    await world.says("START", sent_at=now - timedelta(seconds=30))
    await world.fence()
    assert world.suppressions() == {"list:7": "opted_out"}


async def test_killed_at_any_place_it_decides_and_publishes_each_message_once(world: OptOutWorld) -> None:
    """Each process begins where the one before was killed, and is killed at the next place."""
    await world.service.end()
    await world.was_sent(3)
    said = []
    for place in FAILPOINTS:
        said += [await world.says("STOP"), await world.says("START")]
        await world.service.start(place, wait=False)
        assert await world.service.wait_exit() == -signal.SIGKILL, place
    said.append(await world.says("stop"))
    await world.service.start()
    await world.fence()
    published = [(event.event_id, event.type) for event in world.opt_out_events()]
    assert published == [
        (derived_id(event.event_id, "opt_in" if event.body == "START" else "opt_out", "list:3"),
         "opted_in" if event.body == "START" else "opted_out")
        for event in said
    ]  # fmt: skip
    assert world.suppressions() == {"list:3": "opted_out"}
    rows = await world.fetch("SELECT event_id FROM decisions WHERE account_id = $1 ORDER BY sequence", world.account_id)
    assert [row["event_id"] for row in rows] == [event.event_id for event in said]


async def test_bad_records_are_parked_with_their_bytes_and_the_partition_goes_on(world: OptOutWorld) -> None:
    await world.service.start()
    bad = [b"not json", b"\xff\x00", b'{"type":"gossip"}', b'{"type":"message_received","version":9}', b"x" * 900_000]
    for value in bad:
        await world.write(INBOUND_MESSAGES, value)
    await world.was_sent(4)
    await world.says("STOP")
    await world.fence()
    assert [record.value for record in world.parked()] == bad
    reasons = [dict(record.headers)["parked_reason"] for record in world.parked()]
    assert reasons == [b"not_json", b"not_json", b"unknown_type", b"unknown_version", b"too_large"]
    assert world.suppressions() == {"list:4": "opted_out"}


async def test_the_chain_of_entries_holds_and_a_changed_entry_is_found(world: OptOutWorld) -> None:
    await world.service.start()
    for body in ("STOP", "hello", "START"):
        await world.says(body)
    await world.fence()
    connection = await asyncpg.connect(world.backend.optout_database_url)
    try:
        assert (await check_chain(connection, world.partition)).differences == []
        await connection.execute("ALTER TABLE decisions DISABLE TRIGGER USER")
        for column, forged in (("body", "STOP"), ("entry", '{"answer": "none"}')):
            row = await connection.fetchrow(f"SELECT * FROM decisions {_HELLO}", world.account_id)
            await connection.execute(f"UPDATE decisions SET {column} = $2 {_HELLO}", world.account_id, forged)
            differences = (await check_chain(connection, world.partition)).differences
            assert differences[0].startswith(f"partition {world.partition}, entry {row['sequence']}: ")
            await connection.execute(
                f"UPDATE decisions SET {column} = $2 WHERE event_id = $1", row["event_id"], row[column]
            )
            assert (await check_chain(connection, world.partition)).differences == []
    finally:
        await connection.execute("ALTER TABLE decisions ENABLE TRIGGER USER")
        await connection.close()


async def test_topics_that_do_not_match_end_the_start_with_one_line(world: OptOutWorld) -> None:
    await world.service.start(extra_env={"STOPLINE_PARTITIONS": "12"}, wait=False)
    assert await world.service.process.wait_exit(60) == 78
    last = world.service.process.log_tail(1)
    assert "inbound-messages has 3 partitions, must have 12" in last
    assert "Traceback" not in world.service.process.log_tail(50)
