"""Runs seeds: `python -m simulation --seeds 0-2000`, one with its log, or a search for the planted bugs."""

import argparse
import gc
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext

from simulation.planted_bugs import PLANTED, PlantedBug, planted
from simulation.run_seed import SeedResult, run_seed

_AT_ONCE = 50
_SHOWN_FINDINGS = 5


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    parser.add_argument("--seeds", default="2000", help="how many from 0 on, or from-to (the last is left out)")
    parser.add_argument("--seed", type=int, help="one seed, with the log of all that happened")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--planted", action="store_true", help="search for every planted bug among the seeds")
    parser.add_argument("--bug", choices=[bug.name for bug in PLANTED], help="with --seed: have this bug in the code")
    given = parser.parse_args()
    if given.seed is not None:
        return _replay(given.seed, given.bug)
    first, _, end = given.seeds.rpartition("-")
    seeds = range(int(first or 0), int(end))
    with ProcessPoolExecutor(given.jobs, initializer=gc.freeze) as pool:
        return _search_for_planted(pool, seeds) if given.planted else _run(pool, seeds)


def _replay(seed: int, bug_name: str | None) -> int:
    bug = next((each for each in PLANTED if each.name == bug_name), None)
    with nullcontext() if bug is None else planted(bug):
        result = run_seed(seed)
    print("\n".join(result.log))
    print(_shown(result))
    return bool(result.findings)


def _shown(result: SeedResult) -> str:
    faults = "; ".join(result.faults) or "no faults"
    lines = [f"seed {result.seed}: {faults}", *(f"  {each}" for each in result.findings[:_SHOWN_FINDINGS])]
    return "\n".join([*lines, f"  replay: make simulate SEED={result.seed}"] if result.findings else lines)


def _failures(seeds: range) -> tuple[list[str], int, float]:
    """Run some seeds; return what was found, how many steps that were, and the processor time."""
    began, results = time.process_time(), [run_seed(seed) for seed in seeds]
    found = [_shown(result) for result in results if result.findings]
    return found, sum(result.steps for result in results), time.process_time() - began


def _run(pool: ProcessPoolExecutor, seeds: range) -> int:
    began, failed, steps, spent = time.monotonic(), 0, 0, 0.0
    for found, its_steps, seconds in pool.map(_failures, _parts(seeds)):
        steps, spent, failed = steps + its_steps, spent + seconds, failed + len(found)
        for each in found:
            print(each, flush=True)
    passed = time.monotonic() - began
    print(
        f"{len(seeds)} seeds, {failed} failed: {steps / len(seeds):.0f} steps and {1000 * spent / len(seeds):.1f} ms of"
        f" processor time each, {len(seeds) / passed:.1f} seeds a second"
    )
    return bool(failed)


def _parts(seeds: range) -> Iterator[range]:
    for first in range(seeds.start, seeds.stop, _AT_ONCE):
        yield range(first, min(first + _AT_ONCE, seeds.stop))


def first_seed_with(bug: PlantedBug, seeds: Iterable[int]) -> SeedResult | None:
    """Return the result of the first seed that shows the bug as what it violates."""
    with planted(bug):
        for seed in seeds:
            result = run_seed(seed)
            if any(each.guarantee == bug.guarantee for each in result.findings):
                return result
    return None


def _found(number: int, seeds: range) -> tuple[int, str] | None:
    bug = PLANTED[number]
    result = first_seed_with(bug, seeds)
    if result is None:
        return None
    finding = next(each for each in result.findings if each.guarantee == bug.guarantee)
    return result.seed, f"{finding} ({'; '.join(result.faults) or 'no faults'})"


def _search_for_planted(pool: ProcessPoolExecutor, seeds: range) -> int:
    searches = [pool.submit(_found, number, seeds) for number in range(len(PLANTED))]
    missed = 0
    for bug, search in zip(PLANTED, searches, strict=True):
        found = search.result()
        missed += found is None
        what = "NOT FOUND" if found is None else f"seed {found[0]}: {found[1]}"
        print(f"{bug.name} (without {bug.removes}): {what}", flush=True)
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
