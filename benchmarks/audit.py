"""The shadow audit of a million messages and 50,000 replies, by `stopline audit` in a process of its own, on one core.

python -m benchmarks audit
"""

import csv
import os
import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.rows import Row, row

_START = datetime(2026, 1, 1, tzinfo=UTC)
_SECONDS = 300 * 86_400
_OURS = "+18335550100"
_REPLIES = (
    "STOP", "stop", "Stop please", "thanks", "ok see you", "no", "Unsubscribe me", "START", "wrong number",
)  # fmt: skip
_FOUND = (0, 1)


async def run(bootstrap: str, quick: bool) -> list[Row]:
    messages = 50_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory(prefix="stopline-bench-") as folder:
        _write(Path(folder), messages)
        started = time.perf_counter()
        cpu_seconds, memory_mb = _audit(Path(folder))
        seconds = time.perf_counter() - started
    million = f"audit of {messages:,} messages"
    return [
        row(million, seconds, "s", aim="≤ 60"),
        row(f"{million}, CPU time", cpu_seconds, "s"),
        row(f"{million}, most memory", memory_mb, "MB", aim="≤ 500"),
    ]


def _write(folder: Path, messages: int) -> None:
    """Write both files; every text is another one, as those of personal messages are."""
    dice = random.Random(5)  # noqa: S311 (the same in every run)
    with (
        (folder / "sent.csv").open("w", newline="") as sent_file,
        (folder / "replies.csv").open("w", newline="") as reply_file,
    ):
        sent, replies = csv.writer(sent_file), csv.writer(reply_file)
        sent.writerow(["to", "sent_at", "from", "list", "message_id", "text", "status"])
        replies.writerow(["from", "received_at", "to", "text", "id"])
        for number in range(messages):
            phone = f"+1415{2_000_000 + dice.randrange(messages // 5)}"
            at = _START + timedelta(seconds=dice.randrange(_SECONDS))
            text = f"Hi {number}, our sale of the week begins now. Reply STOP to opt out"
            sent.writerow([phone, at.isoformat(), _OURS, f"list {dice.randrange(5)}", f"m{number}", text, "delivered"])
            if dice.random() < 1 / 20:
                came = at + timedelta(seconds=dice.randrange(5, 5_000))
                replies.writerow([phone, came.isoformat(), _OURS, dice.choice(_REPLIES), f"r{number}"])


def _audit(folder: Path) -> tuple[float, float]:
    """Return the CPU time in seconds, and the most memory in MB."""
    files = ["--sent", str(folder / "sent.csv"), "--replies", str(folder / "replies.csv"), "--out", str(folder / "out")]
    command = [sys.executable, "-m", "harness.cli", "audit", *files, "--json"]
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 (a device)
        output = [(os.POSIX_SPAWN_DUP2, nowhere.fileno(), 1)]
        _, status, used = os.wait4(os.posix_spawn(sys.executable, command, os.environ, file_actions=output), 0)
    if os.waitstatus_to_exitcode(status) not in _FOUND:
        raise RuntimeError(f"the audit ended with {os.waitstatus_to_exitcode(status)}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6
