"""Webhooks to acknowledged Kafka, a second, against the same ASGI server with an empty handler, in the same run.

One inbound process, 64 kept-alive connections, a load generator in a process of its own; every webhook is ClickSend's
form with another phone and another message id. All servers get the same requests, in turns, so that a slow minute of
the machine hits all. The baseline is uvicorn, with the same settings, and a FastAPI application whose handler does
nothing; a second row shows uvicorn with a bare ASGI function, which is the price of HTTP alone.
Where the embedded Kafka is there the webhooks go to one of their own: on the stack's, the opt-out service would read
them and take part of the CPU that is measured.

The slowest signature, Telnyx's (Ed25519, and a long JSON), has a row of its own: the empty handler gets the same bytes.

    python -m benchmarks.webhooks [--quick]
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.request import urlopen

import psutil
import uvicorn
from fastapi import FastAPI, Request, Response

from benchmarks.rows import Row, row, table
from benchmarks.webhook_requests import ACCOUNT_ID, PUBLIC_KEY, WEBHOOK_KEY, WebhookRequests
from harness.kafka.cluster import KafkaCluster
from harness.kafka.prepare import prepared_kafka
from harness.kafka.properties import NodePorts
from harness.machine.ports import free_ports, release_ports
from harness.machine.temporary_folder import make_temporary_folder, remove_temporary_folder
from shared.settings import KafkaSettings
from shared.topics import create_topics

_ROOT = Path(__file__).resolve().parent.parent
_CONNECTIONS = 64
_AIM = "≥ 0.5"
_START_SECONDS = 30.0
_AIM_SIGNED = "≥ 0.3"


@dataclass(frozen=True)
class _Server:
    port: int
    process: psutil.Process

    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


async def run(stack_kafka_bootstrap: str, quick: bool) -> list[Row]:
    """Return the rows of the table; `value` and `baseline` are webhooks a second, medians over the rounds."""
    rounds, seconds = (1, 1.5) if quick else (7, 3.0)
    async with (
        _kafka(stack_kafka_bootstrap) as bootstrap,
        _empty_server("bare") as bare,
        _empty_server("fastapi") as empty,
        _inbound(bootstrap) as ours,
    ):
        loads = ((bare, "clicksend"), (empty, "clicksend"), (ours, "clicksend"), (empty, "telnyx"), (ours, "telnyx"))
        for server, gateway in loads:
            await _load(server, 0.5 if quick else 3.0, gateway)
        taken = [[await _load(server, seconds, gateway) for server, gateway in loads] for _ in range(rounds)]
    return _rows(taken)


def _rows(taken: list[list[dict[str, float]]]) -> list[Row]:
    def medians(what: str) -> list[float]:
        return [statistics.median(one[what] for one in each) for each in zip(*taken, strict=True)]

    bare, empty, ours, empty_signed, ours_signed = medians("per_second")
    _, empty_by_cpu, ours_by_cpu, empty_signed_by_cpu, signed_by_cpu = medians("per_cpu_second")
    name = f"webhooks to acknowledged Kafka, {_CONNECTIONS} connections"
    return [
        row(f"{name} (baseline: an empty FastAPI handler)", ours, "a second", empty, _AIM),
        row("the same, by the CPU time of the server", ours_by_cpu, "a CPU second", empty_by_cpu),
        row(f"{name} (baseline: a bare ASGI function)", ours, "a second", bare),
        row("the same, 99th percentile", medians("p99_ms")[2], "ms"),
        row(f"{name}, signed (baseline: an empty FastAPI handler)", ours_signed, "a second", empty_signed, _AIM_SIGNED),
        row("the same, by the CPU time of the server", signed_by_cpu, "a CPU second", empty_signed_by_cpu),
    ]


@asynccontextmanager
async def _kafka(stack_kafka_bootstrap: str) -> AsyncIterator[str]:
    runtime = prepared_kafka()
    if runtime is None:
        yield stack_kafka_bootstrap
        return
    folder, ports = make_temporary_folder(), free_ports(2)
    kafka = KafkaCluster(runtime, folder, [NodePorts(*ports)], quick_start=False)
    try:
        await kafka.start()
        await create_topics(KafkaSettings(kafka_bootstrap=kafka.bootstrap))
        yield kafka.bootstrap
    finally:
        await kafka.kill()
        release_ports(ports)
        remove_temporary_folder(folder)


@asynccontextmanager
async def _inbound(bootstrap: str) -> AsyncIterator[_Server]:
    port = _free_port()
    settings = {
        "STOPLINE_KAFKA_BOOTSTRAP": bootstrap,
        "STOPLINE_PARTITIONS": "6",
        "STOPLINE_HTTP_PORT": str(port),
        "STOPLINE_WEBHOOK_KEY": WEBHOOK_KEY,
        "STOPLINE_LOG_LEVEL": "WARNING",
        "STOPLINE_GATEWAY_SECRETS": json.dumps(
            {ACCOUNT_ID: {"telnyx": {"public_key": PUBLIC_KEY}, "clicksend": "unsigned"}}
        ),
    }
    async with _process("-m", "services.inbound", **settings) as process:
        await _until_ready(port, "/health/ready")
        yield _Server(port, psutil.Process(process.pid))


@asynccontextmanager
async def _empty_server(kind: str) -> AsyncIterator[_Server]:
    port = _free_port()
    async with _process("-m", "benchmarks.webhooks", kind, str(port)) as process:
        await _until_ready(port, "/")
        yield _Server(port, psutil.Process(process.pid))


@asynccontextmanager
async def _process(*arguments: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=_ROOT, env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _until_ready(port: int, path: str) -> None:
    async with asyncio.timeout(_START_SECONDS):
        while not await asyncio.to_thread(_answers, f"http://127.0.0.1:{port}{path}"):
            await asyncio.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _load(server: _Server, seconds: float, gateway: str) -> dict[str, float]:
    before = server.cpu_seconds()
    async with _process("-m", "benchmarks.webhooks", "load", str(server.port), str(seconds), gateway) as process:
        out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the load generator failed against port {server.port}: {out.decode()}")
    found: dict[str, float] = json.loads(out)
    return {**found, "per_cpu_second": found["count"] / (server.cpu_seconds() - before)}


async def _bare(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})


def _fastapi() -> FastAPI:
    app = FastAPI()

    @app.post("/webhooks/clicksend/{account}/{secret}")
    @app.post("/webhooks/telnyx/{account}/{secret}")
    @app.get("/")
    async def empty(request: Request) -> Response:
        return Response(b"{}")

    return app


class _Source(Protocol):
    def next(self) -> bytes: ...


class _Connection(asyncio.Protocol):
    """Posts one webhook after another; counts what was answered 200 and how long it took."""

    def __init__(self, requests: _Source, taken: list[float], failed: asyncio.Future[str]) -> None:
        self._requests = requests
        self._taken = taken
        self._failed = failed
        self._received = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._post()

    def _post(self) -> None:
        self._since = time.perf_counter()
        self._transport.write(self._requests.next())

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]):
            return
        self._received = b""
        self._taken.append(time.perf_counter() - self._since)
        if head.startswith(b"HTTP/1.1 200 "):
            self._post()
        elif not self._failed.done():
            self._failed.set_result(f"{head!r} {body!r}")


async def _generate(port: int, seconds: float, requests: _Source) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    taken = list[float]()
    failed: asyncio.Future[str] = loop.create_future()
    started = time.perf_counter()
    for _ in range(_CONNECTIONS):
        await loop.create_connection(lambda: _Connection(requests, taken, failed), "127.0.0.1", port)
    await asyncio.wait([failed], timeout=seconds)
    if failed.done():
        raise SystemExit(f"not accepted: {failed.result()}")
    took = time.perf_counter() - started
    return {
        "count": len(taken),
        "per_second": len(taken) / took,
        "p99_ms": sorted(taken)[int(len(taken) * 0.99)] * 1000,
    }


def _main(argv: list[str]) -> None:
    empty = {"bare": lambda: _bare, "fastapi": _fastapi}.get(argv[0]) if argv else None
    if empty:
        uvicorn.run(
            empty(),  # type: ignore[arg-type]
            port=int(argv[1]),
            loop="uvloop",
            http="httptools",
            lifespan="off",
            access_log=False,
            log_level="warning",
            server_header=False,
        )
    elif argv[:1] == ["load"]:
        import uvloop

        print(json.dumps(uvloop.run(_generate(int(argv[1]), float(argv[2]), WebhookRequests(argv[3])))))
    else:
        parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
        parser.add_argument("--bootstrap", default="127.0.0.1:9092", help="where there is no embedded Kafka")
        parser.add_argument("--quick", action="store_true")
        arguments = parser.parse_args(argv)
        print(table(asyncio.run(run(arguments.bootstrap, arguments.quick))))


if __name__ == "__main__":
    _main(sys.argv[1:])
