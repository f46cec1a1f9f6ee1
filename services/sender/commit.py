"""Offsets of a group, committed by us when a batch is done."""

import logging
from collections.abc import Sequence

from aiokafka.errors import KafkaError

from shared.consumer import Consumer, Polled
from shared.errors import TransientError
from shared.kafka import SEND_SECONDS, within

log = logging.getLogger(__name__)

HEARTBEATS_PER_SESSION = 3


async def commit(consumer: Consumer, records: Sequence[Polled]) -> None:
    """Commit just these records, where their partitions are still ours.

    A failed commit is harmless: the records are delivered again, here or elsewhere, and the ledger knows them.
    """
    ends = {record.partition: record.offset + 1 for record in records}  # one topic, and in order
    mine = {tp: ends[tp.partition] for tp in consumer.assignment() if tp.partition in ends}
    if not mine:
        return
    try:
        await within(SEND_SECONDS, consumer.commit(mine), "committing offsets")
    except (TransientError, KafkaError) as error:
        log.warning("offsets are not committed, their records will come again: %s", error)
