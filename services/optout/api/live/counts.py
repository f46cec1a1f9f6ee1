"""Counts of each account of late, in steps of some seconds; in memory, with a limit on everything."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

LiveKind: TypeAlias = Literal["received", "opted_out", "sent", "dropped"]
KINDS: tuple[LiveKind, ...] = get_args(LiveKind)
STEP_SECONDS = 10
STEPS = 90
MAX_ACCOUNTS = 5_000


@dataclass(slots=True)
class AccountCounts:
    """The counts of an account, by step and kind, and who waits for the next."""

    steps: dict[int, dict[LiveKind, int]] = field(default_factory=dict)
    waiting: set[asyncio.Event] = field(default_factory=set)


class LiveCounts:
    """The counts of all accounts; of too many, the one in which nothing happened for longest is forgotten."""

    def __init__(self) -> None:
        self.is_catching_up = True
        """Whether the topics have not been read up to now yet, or Kafka is unavailable."""
        self.ends: dict[int, int] = {}
        """The end offset of each partition of `inbound-messages`, as it was read last."""
        self._accounts: OrderedDict[str, AccountCounts] = OrderedDict()

    def add(self, account_id: str, kind: LiveKind, at_seconds: float) -> None:
        """Count one; `at_seconds` is since 1970."""
        counts = self._of(account_id)
        step = int(at_seconds) // STEP_SECONDS
        kinds = counts.steps.setdefault(step, dict.fromkeys(KINDS, 0))
        kinds[kind] += 1
        while len(counts.steps) > STEPS:
            del counts.steps[min(counts.steps)]
        for event in counts.waiting:
            event.set()

    def series(self, account_id: str, now_seconds: float) -> dict[str, list[int]]:
        """Return the times of the last 15 minutes' steps, and how many of each kind there were in each."""
        last = int(now_seconds) // STEP_SECONDS
        steps = range(last - STEPS + 1, last + 1)
        known = self._accounts[account_id].steps if account_id in self._accounts else {}
        none = dict.fromkeys(KINDS, 0)
        found = [known.get(step, none) for step in steps]
        return {
            "times": [step * STEP_SECONDS for step in steps],
            **{kind: [kinds[kind] for kinds in found] for kind in KINDS},
        }

    @contextmanager
    def followed(self, account_id: str) -> Iterator[asyncio.Event]:
        """Lend an event that is set when something was counted."""
        counts, event = self._of(account_id), asyncio.Event()
        counts.waiting.add(event)
        try:
            yield event
        finally:
            counts.waiting.discard(event)

    def followers(self, account_id: str | None = None) -> int:
        """Return how many follow an account, or any."""
        if account_id is not None:
            return len(self._accounts[account_id].waiting) if account_id in self._accounts else 0
        return sum(len(counts.waiting) for counts in self._accounts.values())

    def _of(self, account_id: str) -> AccountCounts:
        counts = self._accounts.setdefault(account_id, AccountCounts())
        self._accounts.move_to_end(account_id)
        if len(self._accounts) > MAX_ACCOUNTS:
            oldest = next((each for each, of_it in self._accounts.items() if not of_it.waiting), None)
            self._accounts.pop(oldest or account_id, None)
        return counts
