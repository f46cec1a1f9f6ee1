"""Each person's inbound messages in the order of the log, and what was forbidden after each of them."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from harness.checker.acknowledged import acknowledged_by, first_records
from harness.checker.attribution import ACCOUNT, Attribution, attribute, dispatches_by_person
from harness.checker.history import Changed, History, Inbound, Published
from harness.checker.preferences import State, Wish, after_start, after_stop, scopes_of_start, wish_of

Person = tuple[str, str]
"""Account and phone."""


@dataclass
class Claims:
    """What the opt-out service says a message was about, and when it first said so."""

    scopes: set[str] = field(default_factory=set)
    first_at: datetime | None = None


_NOTHING = Claims()


@dataclass(frozen=True)
class Step:
    """One inbound message: `possible` are the scopes it may be about, `changes` those whose state it must change."""

    record: Inbound
    acknowledged_by: datetime | None
    wish: Wish
    possible: frozenset[str]
    changes: frozenset[str]
    state: State


class Timeline:
    """A person's steps; `states[k]` is what was forbidden after the first `k` of them."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.states: list[State] = [{}]

    def add(self, step: Step) -> None:
        self.steps.append(step)
        self.states.append(step.state)

    @property
    def last_state(self) -> State:
        return self.states[-1]

    def possible_states(self, decided_at: datetime, called_at: datetime) -> list[State]:
        """Return every state that a decision can have seen that started at `decided_at` for a call at `called_at`.

        It must have seen what was acknowledged before it started; it can have seen what was created before the call.
        """
        known = [s.acknowledged_by is not None and s.acknowledged_by <= decided_at for s in self.steps]
        could = [step.record.created_at <= called_at for step in self.steps]
        least, most = _last_true(known), _last_true(could)
        return self.states[least : max(least, most) + 1]


def _last_true(flags: list[bool]) -> int:
    """Return how many flags there are up to and including the last that is true."""
    return max((place + 1 for place, flag in enumerate(flags) if flag), default=0)


def timelines(history: History) -> dict[Person, Timeline]:
    """Return the timeline of everybody who wrote."""
    bounds = acknowledged_by(history)
    claims = _claims(history)
    dispatches = dispatches_by_person(history)
    found: defaultdict[Person, Timeline] = defaultdict(Timeline)
    for record in sorted(first_records(history).values(), key=lambda r: (r.partition, r.offset)):
        event = record.event
        person = (event.account_id, event.phone)
        claimed = claims.get(event.event_id, _NOTHING)
        decided_by = claimed.first_at or history.read_at
        attribution = attribute(event, record.created_at, decided_by, dispatches.get(person, []))
        found[person].add(
            _step(record, bounds.get(event.event_id), found[person].last_state, attribution, claimed.scopes)
        )
    return found


def _step(
    record: Inbound, acknowledged: datetime | None, state: State, attribution: Attribution, claimed: set[str]
) -> Step:
    wish = wish_of(record.event.body)
    if wish is Wish.NONE:
        return Step(record, acknowledged, wish, frozenset(), frozenset(), state)
    if wish is Wish.START:
        scopes = scopes_of_start(state, record.event, attribution.pointed)
        return Step(record, acknowledged, wish, scopes, scopes, after_start(state, scopes))
    possible = frozenset({ACCOUNT}) if wish is Wish.STOP_ALL else attribution.possible
    scopes = possible
    if len(scopes) > 1:  # which of the possible ones is the service's to say
        scopes = scopes & claimed
    changes = frozenset(scope for scope in scopes if scope not in state)
    return Step(record, acknowledged, wish, possible, changes, after_stop(state, record.event, scopes))


def _claims(history: History) -> dict[UUID, Claims]:
    """Return what the opt-out service says each event was about, wherever it says so."""
    found: defaultdict[UUID, Claims] = defaultdict(Claims)
    for decided in history.decided:
        found[decided.event_id].scopes.update(decided.opted_out)
    told: list[Changed | Published] = [*history.changed, *history.published]
    for each in told:
        claims = found[each.event.cause_event_id]
        claims.scopes.add(each.event.scope)
        claims.first_at = min(each.created_at, claims.first_at or each.created_at)
    return found
