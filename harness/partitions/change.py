"""The change of the number of partitions, step by step: killed between any two of them, it is run again and goes on."""

from dataclasses import dataclass

from aiokafka import TopicPartition

from harness.partitions.copied_records import Copier, check_all_there, offsets
from harness.partitions.grown_topics import grow, identities, partition_counts
from harness.partitions.still_running import check_all_stopped, fence_off
from harness.say import Say
from services.optout.decision_log.partition_changes import (
    ChangeOfPartitions,
    ProcessedOffsets,
    begin_change,
    finish_change,
    has_decided_since,
    phones_of_links,
    read_progress,
    recorded_partitions,
    unfinished_change,
)
from services.sender.ledger.topics import note_partitions
from shared.errors import MisconfiguredError, TransientError
from shared.failpoints import failpoint
from shared.kafka import SEND_SECONDS, START_SECONDS, new_admin, new_producer, stop_quietly, within
from shared.postgres import Connection
from shared.settings import KafkaSettings
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, OUTBOUND_MESSAGES


@dataclass(frozen=True)
class StoppedDeployment:
    """A deployment that is stopped; `settings` have the new number of partitions."""

    settings: KafkaSettings
    group_id: str
    optout: Connection
    sender: Connection
    gap_seconds: float
    say: Say


async def change_partitions(deployment: StoppedDeployment) -> None:
    """Change the number of partitions to that of the settings, or finish the change that was begun.

    Raises:
        MisconfiguredError: it cannot be changed to that number.
        TransientError: something still runs, or Kafka or Postgres is unavailable; what was done stays done.
    """
    settings, say = deployment.settings, deployment.say
    found = await _change(deployment)
    if found is None:
        say(f"there are {settings.partitions} partitions already")
        return
    say(f"from {found.before} to {found.after} partitions")
    databases = deployment.optout, deployment.sender
    await check_all_stopped(settings, databases, found.before, deployment.gap_seconds)
    say("nothing runs")
    await fence_off(settings, deployment.group_id, found.before)
    await _check_all_published(deployment, found.before)
    change = found if found.change else await begin_change(deployment.optout, found.before, found.after)
    failpoint("partitions.begun")
    await grow(settings)
    say("the topics have their partitions; suppressions is empty until the opt-out service has written it again")
    failpoint("partitions.topics_ready")
    topics = await identities(settings)
    await note_partitions(deployment.sender, topics[OUTBOUND_MESSAGES])
    failpoint("partitions.ledger_noted")
    copied = await _copy_and_finish(deployment, change, (topics[INBOUND_MESSAGES], topics[DELIVERY_EVENTS]))
    say(f"{copied} records that were not processed yet are in the partitions that they belong to")
    failpoint("partitions.finished")


async def _change(deployment: StoppedDeployment) -> ChangeOfPartitions | None:
    """Return the change that is to be made, with the number 0 where it was not begun; None: there is nothing to do."""
    after = deployment.settings.partitions
    unfinished = await unfinished_change(deployment.optout)
    if unfinished is not None:
        if unfinished.after != after:
            raise MisconfiguredError(
                f"the change to {unfinished.after} partitions is not finished: run"
                f" `stopline partitions change {unfinished.after}` first"
            )
        return unfinished
    counts = await partition_counts(deployment.settings)
    recorded = await recorded_partitions(deployment.optout)
    before = recorded if recorded is not None else counts.get(INBOUND_MESSAGES)
    if before is None:
        raise MisconfiguredError(f"there is no topic {INBOUND_MESSAGES}: run `stopline topics create` instead")
    most = max(before, *counts.values())
    if after < most:
        raise MisconfiguredError(f"there are {most} partitions: their number can only grow")
    if before == after and set(counts.values()) == {after}:
        return None
    if before == after:
        raise MisconfiguredError(
            f"the database is of {before} partitions, but the topics have {sorted(set(counts.values()))}: it is of"
            " another deployment, or topics were recreated (docs/operations.md)"
        )
    return ChangeOfPartitions(0, before, after)


async def _check_all_published(deployment: StoppedDeployment, before: int) -> None:
    """See that whatever is decided is published: later it would be published where it does not belong.

    Raises:
        TransientError: something is not.
    """
    places = [TopicPartition(INBOUND_MESSAGES, number) for number in range(before)]
    admin = new_admin(deployment.settings.kafka)
    await within(START_SECONDS, admin.start(), "connecting to Kafka")
    try:
        asked = admin.list_consumer_group_offsets(deployment.group_id, partitions=places)
        committed = await within(SEND_SECONDS, asked, "asking for the committed offsets")
    finally:
        await within(SEND_SECONDS, admin.close(), "disconnecting")
    late = [
        place.partition
        for place in places
        if await has_decided_since(deployment.optout, place.partition, max(0, committed[place].offset))
    ]
    if late:
        raise TransientError(
            f"the opt-out service was stopped before it had published all decisions of partitions {late}: start it with"
            f" STOPLINE_PARTITIONS={before}, wait until its /health/ready is 200, stop it, and run this again"
        )


async def _copy_and_finish(deployment: StoppedDeployment, change: ChangeOfPartitions, topics: tuple[str, str]) -> int:
    """Copy what is not processed, see that nobody has written meanwhile, and have everything go on from there."""
    settings, optout = deployment.settings, deployment.optout
    seen = await read_progress(optout)
    begins, inbound_ends = await offsets(settings, INBOUND_MESSAGES, change.before)
    delivery_begins, delivery_ends = await offsets(settings, DELIVERY_EVENTS, change.before)
    starts = {number: seen.inbound.get(number, begins[number]) for number in inbound_ends}
    starts = {number: start or begins[number] for number, start in starts.items()}
    delivery_starts = {number: max(seen.delivery.get(number, 0), delivery_begins[number]) for number in delivery_ends}
    check_all_there(INBOUND_MESSAGES, starts, begins, inbound_ends)
    check_all_there(DELIVERY_EVENTS, delivery_starts, delivery_begins, delivery_ends)
    producer = new_producer(settings.kafka)
    await within(START_SECONDS, producer.start(), "connecting to Kafka")
    try:
        copier = Copier(settings, producer, lambda tokens: phones_of_links(optout, tokens))
        await copier.copy_delivery_events(delivery_starts, delivery_ends)
        failpoint("partitions.delivery_copied")
        await copier.copy_inbound(starts, inbound_ends)
        failpoint("partitions.inbound_copied")
        _, ends_now = await offsets(settings, INBOUND_MESSAGES, change.before)
        late = await copier.misplaced(inbound_ends, ends_now)
    finally:
        await stop_quietly(producer)
    if late is not None:
        raise TransientError(
            f"something still writes to {late.topic} with {change.before} partitions: stop it, and run this again"
        )
    new = dict.fromkeys(range(change.before, change.after), 0)
    ends = ProcessedOffsets({**inbound_ends, **new}, {**delivery_ends, **new})
    await finish_change(optout, change, seen, ends, topics)
    return copier.count
