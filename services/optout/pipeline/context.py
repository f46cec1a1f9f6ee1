"""What all workers of a process share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer

from services.optout.record.connection import Pool
from services.optout.settings import Settings


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Context:
    """`consumer` is the group's; each worker polls its own partition of it."""

    settings: Settings
    pool: Pool
    consumer: AIOKafkaConsumer
    now: Callable[[], datetime] = utc_now
