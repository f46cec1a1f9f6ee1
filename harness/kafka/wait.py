"""Waits until Kafka is ready: every node that was started is a broker of the cluster and answers."""

import asyncio
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from harness.processes import Started
from harness.processes.run_all import run_all

_DEADLINE_SECONDS = 120.0  # a busy machine is slow; a process that ends is noticed at once
_ANSWER_SECONDS = 1.0
_POLL_SECONDS = 0.02
_REQUEST_TIMEOUT_MS = 5_000
# ApiVersions, version 0: key, version, correlation id, no client id; its length in front
_HELLO = struct.pack(">ihhih", 10, 18, 0, 1, -1)

Address = tuple[str, int]


async def wait_until_ready(nodes: Mapping[Address, Started]) -> None:
    """Return when all `nodes` are brokers that serve at these addresses.

    Raises:
        StartError: a node ended, or the deadline passed.
    """
    try:
        async with asyncio.timeout(_DEADLINE_SECONDS):
            # First a hand-written request: a client would log errors about nodes that do not listen yet.
            await run_all(*(_wait(node, partial(answers, address)) for address, node in nodes.items()))
            await run_all(*(_wait(node, partial(_knows_all, address, nodes)) for address, node in nodes.items()))
    except TimeoutError:
        raise next(iter(nodes.values())).start_error(f"did not serve within {_DEADLINE_SECONDS} s") from None


async def _wait(node: Started, condition: Callable[[], Awaitable[bool]]) -> None:
    while not await condition():
        if not node.alive:
            raise node.start_error(f"ended with code {node.returncode} while it was starting")
        await asyncio.sleep(_POLL_SECONDS)


async def answers(address: Address, seconds: float = _ANSWER_SECONDS) -> bool:
    """Return whether Kafka answers; a port that Docker publishes accepts connections before Kafka listens."""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(*address)
            try:
                writer.write(_HELLO)
                return bool(await reader.read(4))
            finally:
                writer.close()
    except OSError:
        return False


async def _knows_all(address: Address, addresses: Iterable[Address]) -> bool:
    """Return whether the node at `address` names all `addresses` as brokers."""
    host, port = address
    admin = AIOKafkaAdminClient(bootstrap_servers=f"{host}:{port}", request_timeout_ms=_REQUEST_TIMEOUT_MS)
    try:
        await admin.start()
        brokers = (await admin.describe_cluster())["brokers"]
        return {broker["port"] for broker in brokers} >= {port for _, port in addresses}
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()
