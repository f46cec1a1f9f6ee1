"""When Kafka is ready: every node that was started is a broker of the cluster and answers."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from harness.processes import ManagedProcess

_DEADLINE_SECONDS = 60.0
_POLL_SECONDS = 0.02
_REQUEST_TIMEOUT_MS = 5_000


async def wait_until_ready(nodes: Sequence[ManagedProcess], ports: Sequence[int]) -> None:
    """Return when all `nodes`, which listen on `ports`, are brokers that serve.

    Raises:
        StartError: a node ended, or the deadline passed.
    """
    try:
        async with asyncio.timeout(_DEADLINE_SECONDS):
            await asyncio.gather(*(_listens(node, port) for node, port in zip(nodes, ports, strict=True)))
            while not await _all_registered(ports):  # noqa: ASYNC110 (it happens in other processes)
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise nodes[0].start_error(f"did not serve within {_DEADLINE_SECONDS} s") from None


async def _listens(node: ManagedProcess, port: int) -> None:
    while True:
        if not node.alive:
            raise node.start_error(f"ended with code {node.returncode} while it was starting")
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(_POLL_SECONDS)


async def _all_registered(ports: Sequence[int]) -> bool:
    admin = AIOKafkaAdminClient(
        bootstrap_servers=[f"127.0.0.1:{port}" for port in ports], request_timeout_ms=_REQUEST_TIMEOUT_MS
    )
    try:
        await admin.start()
        brokers = (await admin.describe_cluster())["brokers"]
        return {broker["port"] for broker in brokers} >= set(ports)
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()
