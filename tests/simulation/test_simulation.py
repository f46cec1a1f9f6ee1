"""The simulation: seeds without a finding, the same seed twice, and planted bugs that are found."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulation.__main__ import first_seed_with
from simulation.planted_bugs import PLANTED, PlantedBug
from simulation.run_seed import run_seed

SEEDS = 200
"""Of the 2,000 that `make simulate` runs: what two cores do in some ten seconds."""
TESTS = Path(__file__).parents[1]


def test_no_seed_violates_a_guarantee() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "simulation", "--seeds", str(SEEDS)]
    ran = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_seed_is_the_same_byte_for_byte_in_every_process() -> None:
    seeds = range(8)
    here = [run_seed(seed).digest for seed in seeds]
    code = (
        f"from simulation.run_seed import run_seed\nprint(*(run_seed(seed).digest for seed in {list(reversed(seeds))}))"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=TESTS, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": "77"},
    )  # fmt: skip
    assert ran.stdout.split() == list(reversed(here))


def test_seeds_differ() -> None:
    assert len({run_seed(seed).digest for seed in range(5)}) == 5


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: PlantedBug) -> None:
    """By the seed that is written down; where the code has changed since, by one of the first 300."""
    result = first_seed_with(bug, (bug.found_by, *range(300)))
    assert result is not None
    assert not run_seed(result.seed).findings, "the same seed shows nothing without the bug"
