"""What is checked with Spin, and how: each model with its faults, and each of its guards taken away."""

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

SPIN, COMPILER = shutil.which("spin"), shutil.which("gcc")
MODELS = Path(__file__).parents[3] / "docs" / "model"
_SECONDS = 300
_MEMORY_MB = 3_000
_SHORT = ("quiet", "crash", "loss", "calls")
_SOON = (
    "NO_KAFKA_FENCE",
    "NO_POSITION_CHECK",
    "NO_START_AT_POSITION",
    "NO_CHECKPOINT",
    "NO_READ_COMMITTED",
    "NO_PROOF",
    "NO_ORIGIN",
    "NO_VERIFY_SOURCE",
)
"""Guards whose counterexample is among the first states."""

FAULTS = {
    "quiet": ("fence", "TICKS=1 DUPLICATES=1"),
    "crash": ("fence", "CRASHES=1"),
    "zombie": ("fence", "REBALANCES=1 RECORDS=3 BATCHES=2"),
    "freeze": ("fence", "REBALANCES=1 FREEZES=1 RECORDS=2 REPLIES=1 BATCHES=2"),
    "restore": ("fence", "RESTORES=1 VERDICTS REPLIES=3 BATCHES=3"),
    "restore and crash": ("fence", "RESTORES=1 VERDICTS CRASHES=1 RECORDS=3 BATCHES=2"),
    "loss": ("fence", "TRUNCATIONS=1 BATCHES=2"),
    "recreated": ("cache", "CHANGES=2 MARKERS=3 RECREATES=1"),
    "compacted": ("cache", "COMPACTIONS=1 RECREATES=1"),
    "calls": ("ledger", "CRASHES=2 FAILURES=2 SWEEPS=1"),
}
"""The sets of faults, with their model and bounds; with all guards each is verified."""

GUARDS = {
    "NO_ACKS_ALL": "quiet",
    "NO_MARKER": "quiet",
    "NO_NEXT_ROUND": "quiet",
    "NO_OFFSET_UNKNOWN": "quiet",
    "NO_WAIT": "quiet",
    "NO_WATERMARK_LAST": "quiet",
    "NO_CLOCK_FIRST": "quiet",
    "NO_BOOTTIME": "quiet",
    "NO_CLOCK_AT_THE_WRITE": "quiet",
    "NO_OFFSET_IN_TRANSACTION": "crash",
    "NO_START_AT_COMMITTED": "crash",
    "NO_KAFKA_FENCE": "zombie",
    "NO_POSITION_CHECK": "zombie",
    "NO_END_PREDECESSORS": "freeze",
    "NO_START_AT_POSITION": "restore",
    "NO_WATERMARK_AT_START": "restore",
    "NO_WATERMARK_AGAIN": "restore",
    "NO_WATERMARK_HELD_BACK": "restore",
    "NO_CHECKPOINT": "restore",
    "NO_READ_COMMITTED": "restore",
    "NO_POSITION_WITH_STORED": "restore and crash",
    "NO_MARKER_BELOW_WATERMARK": "loss",
    "NO_HALT_ON_MISSING_RECORDS": "loss",
    "NO_PROOF": "recreated",
    "NO_PROOF_AFTER_EXPLANATION": "recreated",
    "NO_ORIGIN": "recreated",
    "NO_VERIFY_SOURCE": "recreated",
    "NO_SNAPSHOT_OF_A_HEALTHY_CACHE": "recreated",
    "NO_CLAIM": "calls",
    "NO_CLAIM_OF_PENDING_ALONE": "calls",
    "NO_LEFTOVERS_FIRST": "calls",
    "NO_UNKNOWN_RESULT": "calls",
    "NO_UNKNOWN_STAYS": "calls",
    "NO_OWNER_AT_SETTLE": "calls",
}
"""The guards, with the faults among which a counterexample is found as soon as one is taken away."""

NOT_NEEDED = {"NO_CAUGHT_UP": "compacted"}
"""A guard that the model holds without: it is kept for what the model leaves out."""


@dataclass(frozen=True)
class Checked:
    """The result of one run of Spin; `unreached` counts the copies of each place that no state has come to."""

    errors: int
    violated: str
    states: int
    megabytes: float
    seconds: float
    unreached: dict[str, int]
    output: str


def checked(faults: str, folder: Path, without: str | None = None) -> Checked:
    """Check the model with these faults, exhaustively or up to the first counterexample, in an empty folder."""
    assert SPIN is not None
    assert COMPILER is not None
    model, bounds = FAULTS[faults]
    switches = [f"-D{each}" for each in (*bounds.split(), *([without] if without else []))]
    began = time.monotonic()
    _run(folder, SPIN, "-a", *switches, str(MODELS / f"{model}.pml"))
    # Compiling well takes longer than the runs gain by it.
    optimised = "-O0" if faults in _SHORT or without in _SOON else "-Og"
    _run(folder, COMPILER, optimised, "-w", "-DSAFETY", "-DNOFAIR", f"-DMEMLIM={_MEMORY_MB}", "-o", "pan", "pan.c")
    output = _run(folder, "./pan", "-m20000")
    return _read(output, time.monotonic() - began)


def places(model: str) -> dict[str, str]:
    """Return the names of the places that must be reached, by their numbers."""
    text = (MODELS / f"{model}.pml").read_text()
    numbers = dict(re.findall(r"^#define (\w+) (\d+)$", text, re.MULTILINE))
    return {numbers[name]: name for name in set(re.findall(r"reached\((\w+)\)", text)) - {"n"}}


def copies(model: str, name: str) -> int:
    """Return how often the place is in the model."""
    return (MODELS / f"{model}.pml").read_text().count(f"reached({name})")


def _run(folder: Path, *command: str) -> str:
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def _read(output: str, seconds: float) -> Checked:
    assert "search not completed" not in output.replace("Warning: Search not completed", "") or "errors: 1" in output
    assert "max search depth too small" not in output, output
    assert "reached -DMEMLIM bound" not in output, output
    errors = int(_one(r"errors: (\d+)", output))
    found = re.search(r"pan:1: (.+) \(at depth", output)
    unreached: dict[str, int] = {}
    for number in re.findall(r'"assert\(\(0!=(\d+)\)\)"', output):
        unreached[number] = unreached.get(number, 0) + 1
    return Checked(
        errors,
        found[1] if found else "",
        int(_one(r"(\d+) states, stored", output)),
        float(_one(r"([\d.]+)\s+total actual memory usage", output)),
        seconds,
        unreached,
        output,
    )


def _one(pattern: str, output: str) -> str:
    found = re.search(pattern, output)
    assert found is not None, output
    return found[1]
