"""When Kafka is ready: every node that was started is a broker of the cluster and answers."""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from harness.processes import Running

_DEADLINE_SECONDS = 60.0
_POLL_SECONDS = 0.02
_REQUEST_TIMEOUT_MS = 5_000

Address = tuple[str, int]


async def wait_until_ready(nodes: Mapping[Address, Running]) -> None:
    """Return when all `nodes` are brokers that serve at these addresses.

    Raises:
        StartError: a node ended, or the deadline passed.
    """
    try:
        async with asyncio.timeout(_DEADLINE_SECONDS):
            await asyncio.gather(*(_serves(node, address, nodes) for address, node in nodes.items()))
    except TimeoutError:
        raise next(iter(nodes.values())).start_error(f"did not serve within {_DEADLINE_SECONDS} s") from None


async def _serves(node: Running, address: Address, addresses: Iterable[Address]) -> None:
    await _listens(node, address)
    # A port that is published by Docker takes connections before anything listens behind it.
    while not await _knows_all(address, addresses):
        if not node.alive:
            raise node.start_error(f"ended with code {node.returncode} while it was starting")
        await asyncio.sleep(_POLL_SECONDS)


async def _listens(node: Running, address: Address) -> None:
    while True:
        if not node.alive:
            raise node.start_error(f"ended with code {node.returncode} while it was starting")
        with suppress(OSError):
            _, writer = await asyncio.open_connection(*address)
            writer.close()
            return
        await asyncio.sleep(_POLL_SECONDS)


async def _knows_all(address: Address, addresses: Iterable[Address]) -> bool:
    """Tell whether the node at `address` answers, and names all of them as brokers."""
    host, port = address
    admin = AIOKafkaAdminClient(bootstrap_servers=f"{host}:{port}", request_timeout_ms=_REQUEST_TIMEOUT_MS)
    with _quiet("aiokafka"):
        try:
            await admin.start()
            brokers = (await admin.describe_cluster())["brokers"]
            return {broker["port"] for broker in brokers} >= {port for _, port in addresses}
        except (KafkaError, OSError):
            return False
        finally:
            await admin.close()


@contextmanager
def _quiet(logger_name: str) -> Iterator[None]:
    """Keep a client from complaining about what is not there yet."""
    logger = logging.getLogger(logger_name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
