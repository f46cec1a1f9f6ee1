"""Clicks on opt-out links to acknowledged Kafka, a second, against an empty handler, in the same run.

One process of the pages, 64 kept-alive connections, each request from an address of its own, as a proxy names it: there
is a limit per address. The links are in the Postgres of the stack; the clicks go to a Kafka of their own.

    python -m benchmarks links
"""

import json
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import psutil

from benchmarks.rows import Row, row
from benchmarks.webhooks import (
    _CONNECTIONS,
    _empty_server,
    _free_port,
    _generate,
    _kafka,
    _process,
    _Server,
    _until_ready,
)
from harness.stack.stack import Stack
from shared.opt_out_links import link_token

_PATH = "/webhooks/clicksend/bench/empty"
_AIM = "≥ 0.3"
_LINKS = 20_000
_SAVE = """
INSERT INTO opt_out_links (token, account_id, message_id, list_id, phone, sender_number, dispatched_at)
SELECT token, 'bench', 'm', 1, '+14155550100', '+18335550123', now() FROM unnest($1::text[]) AS token
ON CONFLICT DO NOTHING
"""


async def run(stack: Stack, quick: bool) -> list[Row]:
    """Return the row: clicks a second, the median over the rounds."""
    rounds, seconds = (1, 1.5) if quick else (7, 3.0)
    connection = await asyncpg.connect(stack.backend.optout_database_url)
    await connection.execute(_SAVE, [_token(number) for number in range(_LINKS)])
    try:
        async with (
            _kafka(stack.backend.kafka_bootstrap) as bootstrap,
            _empty_server("fastapi") as empty,
            _pages(bootstrap, stack) as ours,
        ):
            paths = {empty.port: _PATH, ours.port: ""}
            for server in (empty, ours):
                await _load(server, paths[server.port], 0.5 if quick else 3.0)
            taken = [
                [await _load(server, paths[server.port], seconds) for server in (empty, ours)] for _ in range(rounds)
            ]
    finally:
        await connection.execute("DELETE FROM opt_out_links WHERE account_id = 'bench'")
        await connection.close()
    baseline, clicks = (statistics.median(each["per_second"] for each in of) for of in zip(*taken, strict=True))
    p99 = statistics.median(each["p99_ms"] for _, each in taken)
    name = f"clicks on opt-out links to acknowledged Kafka, {_CONNECTIONS} connections"
    return [
        row(f"{name} (baseline: an empty FastAPI handler)", clicks, "a second", baseline, _AIM),
        row("the same, 99th percentile", p99, "ms"),
    ]


def _token(number: int) -> str:
    return link_token("the-key-of-the-benchmark", "bench", f"m-{number}", number % 6, 6)


@asynccontextmanager
async def _pages(bootstrap: str, stack: Stack) -> AsyncIterator[_Server]:
    port = _free_port()
    settings = {
        "STOPLINE_KAFKA_BOOTSTRAP": bootstrap,
        "STOPLINE_PARTITIONS": "6",
        "STOPLINE_HTTP_PORT": str(port),
        "STOPLINE_TRUSTED_PROXIES": "127.0.0.1",
        "STOPLINE_OPTOUT_DATABASE_URL": stack.backend.optout_links_url,
        "STOPLINE_LOG_LEVEL": "WARNING",
    }
    async with _process("-m", "services.optout.links", **settings) as process:
        await _until_ready(port, "/health/ready")
        yield _Server(port, psutil.Process(process.pid))


async def _load(server: _Server, path: str, seconds: float) -> dict[str, float]:
    async with _process("-m", "benchmarks.links", str(server.port), str(seconds), path) as process:
        out, _ = await process.communicate()
    found: dict[str, float] = json.loads(out)
    return found


class _Clicks:
    """The requests: another link and another address each time."""

    def __init__(self, path: str) -> None:
        self._paths = [path] if path else [f"/{_token(number)}" for number in range(_LINKS)]
        self._count = time.time_ns() % _LINKS

    def next(self) -> bytes:
        self._count += 1
        path, number = self._paths[self._count % len(self._paths)], self._count % 65_000
        return (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"X-Forwarded-For: 10.1.{number // 256}.{number % 256}\r\nAccept-Language: en-US,en;q=0.9\r\n"
            "Content-Length: 11\r\n\r\nchoice=list"
        ).encode()


if __name__ == "__main__":
    import uvloop

    print(json.dumps(uvloop.run(_generate(int(sys.argv[1]), float(sys.argv[2]), _Clicks(sys.argv[3])))))
