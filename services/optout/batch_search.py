"""Searches a batch's replies for the patterns of their accounts: off the event loop, and not for long.

An account's patterns may take its share of the time, and all patterns together have a limit for the whole batch, since
others wait. The processor time of the thread is counted, not the clock: a busy machine does not cause held replies.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from services.optout import metrics
from services.optout.decide import DecidableEvent
from services.optout.decision_log.stored_rules import AccountRules
from services.optout.rules import SearchResult
from shared.events.inbound import MessageReceived

BATCH_SECONDS = 0.008
ACCOUNT_SECONDS = 0.004
MESSAGE_SECONDS = 0.000_1
"""More for each reply, which is about what it costs in any case: a batch after an outage is large."""

Text = tuple[str, str]
"""Account and body: what a search depends on, whatever ids the replies have."""


class Job(NamedTuple):
    """The texts that one account received."""

    account_id: str
    account: AccountRules
    bodies: Sequence[str]

    def order(self) -> tuple[float, int]:
        """Return the sort key: accounts that took long last time come last, otherwise short texts come first."""
        return self.account.spent_seconds, sum(map(len, self.bodies))


def text_of(event: DecidableEvent) -> Text:
    return event.account_id, event.body if isinstance(event, MessageReceived) else ""


async def search_patterns(
    events: Sequence[DecidableEvent], rules: Mapping[str, AccountRules]
) -> dict[Text, SearchResult]:
    """Return what was found, by text, for the accounts that have patterns; the others' rules need no search."""
    bodies: dict[str, set[str]] = {}
    for event in events:
        if isinstance(event, MessageReceived) and rules[event.account_id].rules.patterns:
            bodies.setdefault(event.account_id, set()).add(event.body)
    if not bodies:
        return {}
    jobs = [Job(account_id, rules[account_id], sorted(each, key=len)) for account_id, each in bodies.items()]
    found = await asyncio.to_thread(search_all, sorted(jobs, key=Job.order))
    metrics.RULES_TOO_SLOW.inc(sum(not each.is_whole for each in found.values()))
    return found


def search_all(jobs: Sequence[Job]) -> dict[Text, SearchResult]:
    """Search until the time is over; a result that is not whole says so."""
    found: dict[Text, SearchResult] = {}
    ends_at = time.thread_time() + BATCH_SECONDS + MESSAGE_SECONDS * sum(len(job.bodies) for job in jobs)
    for job in jobs:
        began = time.thread_time()
        share_ends_at = began + ACCOUNT_SECONDS + MESSAGE_SECONDS * len(job.bodies)
        is_over = partial(_is_past, min(ends_at, share_ends_at))
        for body in job.bodies:
            found[job.account_id, body] = job.account.rules.search(body, is_over)
        job.account.spent_seconds = time.thread_time() - began
    return found


def _is_past(ends_at: float) -> bool:
    return time.thread_time() > ends_at
