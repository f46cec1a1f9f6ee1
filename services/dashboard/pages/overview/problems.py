"""Problems in words, with what they mean and what to do: decided from what the API and the services say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.dashboard.components.notice import Tone
from services.dashboard.health import ServiceHealth

_WAITING_RECORDS = 1_000
_SLOW_MILLISECONDS = 1_000.0
_MEANS: Mapping[str, str] = {
    "inbound": "Replies are not received now. Gateways deliver them again, and messages wait for them.",
    "optout": "Replies are kept but not decided, and no message is sent until they are.",
    "api": "Nothing can be changed, and what you see may be old. Replies are decided all the same.",
    "sender": "No message is sent; messages wait. Replies are decided all the same.",
    "links": "Opt-out links cannot be opened now. Replies are decided all the same.",
    "poll": "Gateways are not asked for replies that their webhooks have missed.",
    "smpp": "Replies that come by SMPP wait at the SMSC.",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem: in a sentence, with what it means and what to do."""

    tone: Tone
    title: str
    text: str


def problems(
    health: Sequence[ServiceHealth], statistics: Mapping[str, Any] | None, *, is_catching_up: bool = False
) -> list[Problem]:
    """Return what is wrong, the worst first; empty: all is well.

    Args:
        health: of the services.
        statistics: as the API answers; None: it does not.
        is_catching_up: whether the live figures are not up to now.
    """
    found = [_of_service(each) for each in health if each.problem is not None]
    if statistics is None:
        text = "What you see may be old. Try again in a moment; if it stays, look at the API's log."
        return [*found, Problem("bad", "The API does not answer", text)]
    found += _of_partitions(statistics["partitions"])
    found += _of_effect(statistics["effect"])
    if is_catching_up and not found:
        text = "They count again by themselves as soon as Kafka answers. Nothing is lost."
        found.append(Problem("warn", "The live figures are not up to date", text))
    return found


def refused(message: str) -> Problem:
    """Return the problem of a page that the API does not let be followed, with its words."""
    return Problem("warn", "This page is not live", f"The API says: {message}. Reload the page to see what is new.")


def _of_service(health: ServiceHealth) -> Problem:
    means = _MEANS.get(health.name, "")
    see = f"Look at its log: stopline logs {health.name}"
    return Problem("bad", f"{health.name} cannot work: {health.problem}", f"{means} {see}.".strip())


def _of_partitions(partitions: Sequence[Mapping[str, int]]) -> list[Problem]:
    undecided = {each["partition"]: each["undecided"] for each in partitions if each["undecided"] > _WAITING_RECORDS}
    if not undecided:
        return []
    names = ", ".join(map(str, undecided))
    title = f"{sum(undecided.values()):,} events wait to be decided (partition {names})"
    text = (
        "Messages to these numbers wait meanwhile; none goes out that must not. It is right after an import or downtime"
    )
    return [Problem("warn", title, f"{text}; if it does not shrink, look at the log of optout.")]


def _of_effect(effect: Mapping[str, Any]) -> list[Problem]:
    p99 = effect["p99_ms"]
    if p99 is None or p99 <= _SLOW_MILLISECONDS:
        return []
    title = f"Replies took up to {p99 / 1000:,.1f} s to take effect"
    return [
        Problem("warn", title, "No message went out meanwhile. Look whether optout or Postgres was busy or stopped.")
    ]
