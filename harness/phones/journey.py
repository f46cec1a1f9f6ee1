"""The journey of one reply or click through the system, and its steps with what was measured of each. Pure."""

from dataclasses import dataclass, field
from typing import Any, Literal

from harness.phones.places import Places
from shared.scopes import forbidding_scopes

JourneyEffect = Literal["opted_out", "opted_in", "opt_out_held", "held_released", "nothing"]
_EFFECTS = {
    "opted_out": "Opted out",
    "opted_in": "Opted in again",
    "opt_out_held": "Held for a person to look at: as forbidden as an opt-out",
    "held_released": "Released",
    "nothing": "Read and recorded; it changes nothing",
}
_TO_COME = {"opted_out": "Drop", "opt_out_held": "Drop", "opted_in": "Send", "held_released": "Send"}
_NEXT_WATERMARK = "that of the first watermark after it"
_OUTCOMES = {
    "message_suppressed": "Dropped: it never reached the carrier",
    "message_dispatching": "The carrier was called: nothing forbids it",
}


@dataclass(slots=True)
class NextMessage:
    """The next message to the same person that the change is about. All times are microseconds."""

    message_id: str
    partition: int
    list_id: int
    outcome: str
    decision_us: int
    outcome_us: int
    requested_us: int | None = None


@dataclass(slots=True)
class Journey:
    """The journey of one reply (`words`) or click; a time that is None is not known, or has not come."""

    journey_id: str
    phone: str
    words: str
    partition: int
    offset: int
    heard_us: int
    is_click: bool = False
    posted_us: int | None = None
    answered_us: int | None = None
    attempts: int = 0
    effect: JourneyEffect | None = None
    rule: str = ""
    attribution: str = ""
    decided_us: int | None = None
    recorded_us: int | None = None
    scopes: dict[str, int | None] = field(default_factory=dict)
    """Each scope that changed, with its list."""
    effective_us: int | None = None
    next: NextMessage | None = None

    def concerns(self, scope: str) -> bool:
        return scope in self.scopes

    def covers(self, list_id: int, sender_number: str) -> bool:
        """Return whether the change is about messages of this list from this number."""
        return bool(self.scopes.keys() & forbidding_scopes(list_id, sender_number))


@dataclass(frozen=True, slots=True)
class JourneyStep:
    """A step: `milliseconds` since the step before, and where the time is from. None: still to come, or not known."""

    name: str
    title: str
    detail: str
    measured: str
    milliseconds: float | None
    is_done: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "detail": self.detail,
            "measured": self.measured,
            "milliseconds": self.milliseconds,
            "is_done": self.is_done,
        }


def steps(journey: Journey, places: Places) -> list[JourneyStep]:
    """Return the steps, those that are still to come among them."""
    found = [_reply(journey), _rule(journey)]
    if journey.effect == "nothing":
        return found
    found += [_record(journey), _suppression(journey)]
    return found + (_to_come(journey) if journey.next is None else _of_next(journey.next, places))


def milliseconds_to_effect(journey: Journey) -> float | None:
    """Return how long it took from the reply to its effect."""
    return _between(journey.posted_us or journey.heard_us, journey.effective_us)


def _reply(journey: Journey) -> JourneyStep:
    if journey.is_click:
        return JourneyStep(
            "reply",
            "Click",
            f"{journey.words} The page said so once Kafka had it.",
            "From the press (occurred_at of the click, the clock of the link's page) to its timestamp in Kafka.",
            _between(journey.posted_us, journey.heard_us),
            True,
        )
    again = f" It took {journey.attempts} attempts." if journey.attempts > 1 else ""
    return JourneyStep(
        "reply",
        "Reply",
        f"“{journey.words}” came by the gateway's webhook.{again}{_answered(journey)}",
        "From the gateway's POST (the sandbox's clock) to the timestamp of message_received in Kafka.",
        _between(journey.posted_us, journey.heard_us),
        True,
    )


def _answered(journey: Journey) -> str:
    answered = _between(journey.posted_us, journey.answered_us)
    return "" if answered is None else f" Its 2xx came {answered:,.1f} ms after the POST, once Kafka had it."


def _rule(journey: Journey) -> JourneyStep:
    if journey.effect is None:
        return JourneyStep("rule", "Rule", "The pipeline has not decided it yet.", "", None, False)
    why = f"Rule “{journey.rule}”: " if journey.rule else ""
    how = f" Attributed by {journey.attribution.replace('_', ' ')}." if journey.attribution else ""
    return JourneyStep(
        "rule",
        "Rule",
        f"{why}{_EFFECTS[journey.effect]}.{how}",
        f"From the timestamp of the {'click' if journey.is_click else 'reply'} in Kafka"
        f" to {'the time of the decision in the record' if journey.effect != 'nothing' else _NEXT_WATERMARK}.",
        _between(journey.heard_us, journey.decided_us),
        True,
    )


def _record(journey: Journey) -> JourneyStep:
    return JourneyStep(
        "record",
        "Record",
        "Written into the hash chain, in one Postgres transaction.",
        "From the decision to the timestamp of its event in Kafka, which is written once Postgres has committed.",
        _between(journey.decided_us, journey.recorded_us),
        journey.recorded_us is not None,
    )


def _suppression(journey: Journey) -> JourneyStep:
    return JourneyStep(
        "suppression",
        "Suppression",
        ", ".join(sorted(journey.scopes)) + ": committed, and readable for every sender.",
        "From that timestamp to the moment in which this page read the committed record, as senders do.",
        _between(journey.recorded_us, journey.effective_us),
        journey.effective_us is not None,
    )


def _to_come(journey: Journey) -> list[JourneyStep]:
    waiting = "Waits for the next message."
    last = _TO_COME.get(journey.effect or "", "Drop or send")
    return [
        JourneyStep("fence", "Fence", waiting, "", None, False),
        JourneyStep("outcome", last, "Send one and watch.", "", None, False),
    ]


def _of_next(following: NextMessage, places: Places) -> list[JourneyStep]:
    opened_us = places.fence_opened(following.partition, following.decision_us)
    decided = "that marker's watermark" if opened_us is not None else "the start of its decision"
    last = "Drop" if following.outcome == "message_suppressed" else "Send"
    return [
        JourneyStep(
            "fence",
            "Fence",
            f"The next message waited until every reply before it was decided.{_waited(following)}",
            "From the start of its decision (decision_started_at) to the timestamp of the watermark after its marker.",
            _between(following.decision_us, opened_us),
            True,
        ),
        JourneyStep(
            "outcome",
            last,
            f"{_OUTCOMES[following.outcome]}.",
            f"From {decided} to the time of {following.outcome}.",
            _between(opened_us or following.decision_us, following.outcome_us),
            True,
        ),
    ]


def _waited(following: NextMessage) -> str:
    waited = _between(following.requested_us, following.decision_us)
    return "" if waited is None else f" Its decision began {waited:,.0f} ms after it was requested."


def _between(start_us: int | None, end_us: int | None) -> float | None:
    """Return the milliseconds between; never below 0: timestamps of records are cut to whole milliseconds."""
    if start_us is None or end_us is None:
        return None
    return max(0.0, (end_us - start_us) / 1_000)
