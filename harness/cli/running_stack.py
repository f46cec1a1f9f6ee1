"""The running stack that a command acts on, and how to reach its Kafka.

The image of the services does not have the packages that a stack needs: they are imported inside the functions.
"""

import asyncio
import os
import time
from typing import TYPE_CHECKING

from shared.errors import MisconfiguredError, TransientError
from shared.settings import KafkaSettings, load

if TYPE_CHECKING:
    from harness.daemon.address_book import AddressBook
    from harness.daemon.health import Health

_STATES_SECONDS = 5.0
_SLOW_SECONDS = 30.0


def running_stack() -> "AddressBook":
    """Return the address book of the running stack.

    Raises:
        MisconfiguredError: none runs.
    """
    from harness.daemon.home import StackHome

    book = StackHome.default().read_address_book()
    if book is None:
        raise MisconfiguredError("no stack is running; start one with `stopline up`")
    return book


async def health_of(book: "AddressBook") -> "dict[str, Health]":
    """Return the health of each part of the running stack and of `background`, the process that keeps them running."""
    from harness.daemon.control_socket import ask
    from harness.daemon.health import Health, look_at
    from harness.daemon.home import StackHome

    try:
        states = (await ask(StackHome.default().control_socket, "status", seconds=_STATES_SECONDS))["states"]
        background = Health(True)
    except TransientError as error:
        states, background = {}, Health(False, f"process {book.pid}, which keeps the others running: {error}")
    return {"background": background, **await look_at(book, states)}


async def health_after_start(book: "AddressBook") -> "dict[str, Health]":
    """Return the health of a stack that has just got ready; on a busy machine a part may be slow to say so at first."""
    until = time.monotonic() + _SLOW_SECONDS
    while True:
        health = await health_of(book)
        if all(each.ok for each in health.values()) or time.monotonic() >= until:
            return health
        await asyncio.sleep(1)


def kafka_settings() -> KafkaSettings:
    """Return how to reach the Kafka that STOPLINE_KAFKA_BOOTSTRAP names, else that of the running stack.

    Raises:
        MisconfiguredError: no STOPLINE_KAFKA_BOOTSTRAP and no stack runs, or a setting is wrong.
    """
    if os.environ.get("STOPLINE_KAFKA_BOOTSTRAP"):
        return load(KafkaSettings)
    from harness.daemon.home import StackHome

    book = StackHome.default().read_address_book()
    if book is None:
        raise MisconfiguredError(
            "no stack is running here (`stopline up` starts one), and STOPLINE_KAFKA_BOOTSTRAP names no other Kafka"
        )
    return book.kafka()
