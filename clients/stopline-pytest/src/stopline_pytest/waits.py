"""The texts of failed expectations: the claim, what was seen instead, and what happened in the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stopline_pytest.errors import NotSeenError, WrongOutcomeError

if TYPE_CHECKING:
    from stopline_pytest.account import Account


def not_in_time(account: Account, claim: str, seconds: float, seen: str) -> NotSeenError:
    """Return the error that `claim` did not become true within `seconds`."""
    log = account.stack.log
    unreadable = sum(log.unreadable.values())
    notes = [
        f"not within {seconds:g} s: {claim}",
        *([seen] if seen else []),
        *([f"{unreadable} records were not JSON objects: {dict(log.unreadable)}"] if unreadable else []),
        *([f"Kafka's client reported: {log.trouble}"] if log.trouble else []),
    ]
    return NotSeenError("\n".join([*notes, *_report(account)]))


def wrong_outcome(account: Account, claim: str, seen: str) -> WrongOutcomeError:
    """Return the error that a message had another outcome than `claim`."""
    return WrongOutcomeError("\n".join([f"expected: {claim}", f"but it was: {seen}", *_report(account)]))


def _report(account: Account) -> list[str]:
    return ["", f"account {account.account_id}:", account.report()]
