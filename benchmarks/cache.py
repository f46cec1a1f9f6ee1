"""The suppression cache against a Python `set` of the same keys: memory for each key, time for each check.

Each is measured in a process of its own, which fills it key by key as the topic would, and checks the same batches of
2,000 messages, half of them suppressed: of one list each, as a campaign makes them, and of all lists mixed.

    python -m benchmarks.cache cache|set 10000000
"""

import asyncio
import gc
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import psutil

from benchmarks.rows import Row, row
from shared.suppressions.keep import give_back
from shared.suppressions.keys import OPTED_OUT, Keys, first_key_of
from shared.suppressions.lookup import Query, SuppressionCache

LISTS = 100
PARTITIONS = 6
_ACCOUNT = "bench"
_BATCH = 2_000
_BATCHES = 100
_APPLIED_AT_ONCE = 100
_ROUNDS = 5
_FIRST_PHONE, _NUMBERS = np.uint64(12_000_000_000), np.uint64(7_999_999_999)
_FIRST_KEYS = np.array([first_key_of(partition) for partition in range(PARTITIONS)], dtype=np.uint64)

Measured = dict[str, float]


async def run(bootstrap: str, quick: bool) -> list[Row]:
    keys = 200_000 if quick else 10_000_000
    ours, plain = await _measure("cache", keys), await _measure("set", keys)
    return [
        row(f"cache of {keys:,} keys in {LISTS} lists, memory a key", ours["bytes"], "B", plain["bytes"], "≤ 9 B"),
        row("cache, a check in a batch of one list", ours["one_list"], "ns", plain["one_list"], "≤ 1"),
        row(f"cache, a check in a batch of {LISTS} lists mixed", ours["mixed"], "ns", plain["mixed"], "≤ 1"),
    ]


async def _measure(what: str, keys: int) -> Measured:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.cache", what, str(keys), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"measuring the {what} failed")
    measured: Measured = json.loads(out)
    return measured


def keys_of_list(number: int, keys: int) -> Keys:
    """Return the keys of one list, in no order: phones of one country, spread over its numbers and the partitions."""
    phones = (np.arange(keys // LISTS, dtype=np.uint64) * np.uint64(7919 * LISTS) + np.uint64(number)) % _NUMBERS
    phones += _FIRST_PHONE
    found: Keys = _FIRST_KEYS[phones % np.uint64(PARTITIONS)] + np.uint64(2) * phones
    return found


def _scope(number: int) -> str:
    return f"list:{number + 1}"


def _batches(lists: Sequence[Keys], *, mixed: bool) -> list[list[Query]]:
    """Return batches of queries; every second key is another one, of a number that is not in use."""
    drawn = random.Random(1)  # noqa: S311 (no secret)
    batches: list[list[Query]] = []
    for _ in range(_BATCHES):
        one = drawn.randrange(LISTS)
        chosen = [drawn.randrange(LISTS) if mixed else one for _ in range(_BATCH)]
        keys = [int(drawn.choice(lists[number])) for number in chosen]
        pairs = enumerate(zip(chosen, keys, strict=True))
        batches.append([(_ACCOUNT, (_scope(n),), key + 2 * 10**11 if at % 2 else key) for at, (n, key) in pairs])
    return batches


def _nanoseconds(check: Callable[[list[Query]], Any], batches: list[list[Query]]) -> float:
    """Return the CPU time of one check, of the best round."""
    rounds = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        for batch in batches:
            check(batch)
        rounds.append(time.process_time() - started)
    return min(rounds) / (_BATCHES * _BATCH) * 1e9


def _fill_cache(lists: Sequence[Keys]) -> SuppressionCache:
    cache = SuppressionCache()
    for turn in range(lists[0].size // _APPLIED_AT_ONCE):
        for number, keys in enumerate(lists):
            # Not all lists in step, so that at any time some have many changes that are not merged, and some few.
            step = _APPLIED_AT_ONCE + number
            cache.apply(
                _ACCOUNT, _scope(number), [(key, OPTED_OUT) for key in keys[turn * step : (turn + 1) * step].tolist()]
            )
            for due in cache.due():
                due.merge()
    give_back()  # as after every snapshot
    return cache


def _check_sets(sets: dict[tuple[str, str], set[int]], batch: list[Query]) -> list[str | None]:
    answers: list[str | None] = []
    for account_id, scopes, key in batch:
        for scope in scopes:
            if key in sets[account_id, scope]:
                answers.append(scope)
                break
        else:
            answers.append(None)
    return answers


def _main(what: str, keys: int) -> None:
    lists = [keys_of_list(number, keys) for number in range(LISTS)]
    one_list, mixed = _batches(lists, mixed=False), _batches(lists, mixed=True)
    gc.collect()
    before = psutil.Process().memory_info().rss
    if what == "cache":
        check: Callable[[list[Query]], Any] = _fill_cache(lists).hits
    else:
        sets = {(_ACCOUNT, _scope(number)): set(each.tolist()) for number, each in enumerate(lists)}
        check = lambda batch: _check_sets(sets, batch)  # noqa: E731 (the same call for both)
    gc.collect()
    used = psutil.Process().memory_info().rss - before
    found = {
        "bytes": used / sum(each.size for each in lists),
        "one_list": _nanoseconds(check, one_list),
        "mixed": _nanoseconds(check, mixed),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
