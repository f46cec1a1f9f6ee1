"""The change of the number of partitions, step by step: killed between any two of them, it is run again and goes on."""

import asyncio
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer, TopicPartition

from harness.partitions.copied_records import Copier, check_all_there, offsets
from harness.partitions.grown_topics import grow, identities, partition_counts
from harness.partitions.still_running import check_all_stopped, fence_off
from harness.say import Say
from services.optout.decision_log.partition_changes import (
    ChangeOfPartitions,
    ProcessedOffsets,
    begin_change,
    check_same_topics,
    finish_change,
    has_decided_since,
    phones_of_links,
    read_progress,
    recorded_partitions,
    unfinished_change,
)
from services.sender.ledger.topics import check_same_topic, note_partitions
from shared.errors import MisconfiguredError, TransientError
from shared.failpoints import failpoint
from shared.kafka import SEND_SECONDS, START_SECONDS, new_admin, new_producer, stop_quietly, within
from shared.postgres import Connection
from shared.settings import KafkaSettings
from shared.suppressions.markers import Markers
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, OUTBOUND_MESSAGES, config_differences

_NO_OFFSET = -1


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
    await _check_one_deployment(deployment)
    say(f"from {found.before} to {found.after} partitions")
    databases = deployment.optout, deployment.sender
    await check_all_stopped(settings, databases, found.before, deployment.gap_seconds)
    say("nothing runs")
    await fence_off(settings, deployment.group_id, found.before)
    await _check_all_published(deployment, found)
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


async def _check_one_deployment(deployment: StoppedDeployment) -> None:
    """See that Kafka and both databases belong together, and that a topic that is made here will be as the others are.

    Raises:
        MisconfiguredError: they do not; nothing was changed.
    """
    topics = await identities(deployment.settings)
    await check_same_topics(deployment.optout, topics[INBOUND_MESSAGES], topics[DELIVERY_EVENTS])
    await check_same_topic(deployment.sender, topics[OUTBOUND_MESSAGES])
    if found := await config_differences(deployment.settings):
        raise MisconfiguredError(
            f"{'; '.join(found)}: is STOPLINE_REPLICATION_FACTOR ({deployment.settings.replication_factor}) what the"
            " services have?"
        )


async def _check_all_published(deployment: StoppedDeployment, found: ChangeOfPartitions) -> None:
    """See that whatever is decided is published: later it would be published where it does not belong.

    Raises:
        MisconfiguredError: the database is from before a change that was made.
        TransientError: something is not published.
    """
    committed = await _committed(deployment, found.after)
    if decided := [number for number in range(found.before, found.after) if committed.get(number, _NO_OFFSET) >= 0]:
        raise MisconfiguredError(
            f"partitions {decided} were decided already, but the database is of {found.before} partitions: is it a"
            " backup from before they were added? Restore one from after it (docs/partitions.md)"
        )
    if unknown := [number for number in range(found.before) if number not in committed]:
        raise TransientError(f"the group's offsets of partitions {unknown} are not known yet")
    late = [
        number
        for number in range(found.before)
        if await has_decided_since(deployment.optout, number, max(0, committed[number]))
    ]
    if late:
        raise TransientError(
            f"the opt-out service was stopped before it had published all decisions of partitions {late}: start it with"
            f" STOPLINE_PARTITIONS={found.before}, wait until its /health/ready is 200, stop it, and run this again"
        )


async def _committed(deployment: StoppedDeployment, partitions: int) -> dict[int, int]:
    """Return the offset that the opt-out service has committed for each partition, -1 where it has none."""
    places = [TopicPartition(INBOUND_MESSAGES, number) for number in range(partitions)]
    admin = new_admin(deployment.settings.kafka)
    await within(START_SECONDS, admin.start(), "connecting to Kafka")
    try:
        asked = admin.list_consumer_group_offsets(deployment.group_id, partitions=places)
        found = await within(SEND_SECONDS, asked, "asking for the committed offsets")
    finally:
        await within(SEND_SECONDS, admin.close(), "disconnecting")
    return {place.partition: at.offset for place, at in found.items()}


async def _copy_and_finish(deployment: StoppedDeployment, change: ChangeOfPartitions, topics: tuple[str, str]) -> int:
    """Copy what is not processed, see that nobody has written meanwhile, and have everything go on from there."""
    settings, optout = deployment.settings, deployment.optout
    producer = new_producer(settings.kafka)
    await within(START_SECONDS, producer.start(), "connecting to Kafka")
    try:
        await _move_every_end(producer, change.before)
        seen = await read_progress(optout)
        begins, inbound_ends = await offsets(settings, INBOUND_MESSAGES, change.before)
        delivery_begins, delivery_ends = await offsets(settings, DELIVERY_EVENTS, change.before)
        starts = {number: seen.inbound.get(number, 0) or begins[number] for number in inbound_ends}
        delivery_starts = {each: max(seen.delivery.get(each, 0), delivery_begins[each]) for each in delivery_ends}
        check_all_there(INBOUND_MESSAGES, starts, begins, inbound_ends)
        check_all_there(DELIVERY_EVENTS, delivery_starts, delivery_begins, delivery_ends)
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


async def _move_every_end(producer: AIOKafkaProducer, partitions: int) -> None:
    """Append a record that nobody waits for to each partition: so every position moves at the end of the change.

    A pipeline that slept through it, wherever that was, moves positions from where it knows them to be: it finds none.
    """
    markers = Markers(producer, "stopline/partitions")
    appended = (markers.append(number) for number in range(partitions))
    await within(SEND_SECONDS, asyncio.gather(*appended), f"writing to {INBOUND_MESSAGES}")
