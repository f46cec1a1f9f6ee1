"""`make bench`: every benchmark on one stack, a table at the end, JSON beside it; `--quick` shows that they run."""

import argparse
import asyncio
import importlib
import inspect
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.rows import Row, row, table, write_json
from harness.stack.stack import Stack

# The sender makes up a cache, for a topic that is empty.
MODULES = (
    "webhooks",
    "links",
    "fence",
    "check",
    "tenants",
    "cache",
    "restart",
    "events",
    "sender",
    "gate",
    "later",
    "rules",
    "audit",
    "reaction",
    "lists",
    "first_paint",
    "pipeline",
    "campaign",
)
_RESULTS = Path("benchmarks/results")


async def run_all(names: list[str], *, quick: bool) -> list[Row]:
    rows: list[Row] = []
    started = time.perf_counter()
    async with Stack(say=_say, quick_start=quick) as stack:
        rows.append(row("stack started (everything installed)", time.perf_counter() - started, "s", aim="≤ 10"))
        for name in names:
            _say(f"running {name}")
            rows += await _run(name, stack, quick=quick)
            _say(table(rows[-4:]))
        rows += _memory(stack)
    return rows


async def _run(name: str, stack: Stack, *, quick: bool) -> list[Row]:
    module = importlib.import_module(f"benchmarks.{name}")
    first = next(iter(inspect.signature(module.run).parameters))
    subject = stack if first == "stack" else stack.backend.kafka_bootstrap
    found: list[Row] = await module.run(subject, quick=quick)
    return found


def _memory(stack: Stack) -> list[Row]:
    return [
        row(f"resident memory of {name} at the end", psutil.Process(service.process.pid).memory_info().rss / 1e6, "MB")
        for name, service in stack.services.items()
        if service.process.alive
    ]


def _machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--quick", action="store_true", help="two minutes: for crashes, not for figures")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"some of {', '.join(MODULES)}; all of these by default"
    )
    arguments = parser.parse_args()
    there = [name for name in arguments.names or MODULES if Path(__file__).with_name(f"{name}.py").exists()]
    rows = asyncio.run(run_all(there, quick=arguments.quick))
    print(table(rows))
    write_json(_RESULTS / f"{'quick' if arguments.quick else 'full'}.json", rows, _machine())


if __name__ == "__main__":
    main()
