"""The rules of opting out and back in as one would explain them, in a few lines and without any of the service's code.

Moments are numbers. A message that was written at a moment known by the gateway's clock has it as `written`; it may be
known to the second only, so that a moment is any of the 10 up to the next one that 10 divides.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

State = dict[tuple[str, str], str]
"""(phone, scope) to opted_out or opted_in."""


@dataclass
class Left:
    """How somebody left a scope: through which number, and the newest moment at which they may have said so."""

    number: str
    by_clock: int | None = None
    by_arrival: int | None = None


@dataclass
class PlainModel:
    """`states[n]` is what holds when the first n records of the log are decided."""

    states: list[State] = field(default_factory=lambda: [{}])
    published: list[tuple[str, str, UUID]] = field(default_factory=list)
    _last: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    _left: dict[tuple[str, str], Left] = field(default_factory=dict)
    _seen: set[UUID] = field(default_factory=set)
    _removed: dict[tuple[str, str], UUID] = field(default_factory=dict)

    def is_sent(self, phone: str, number: str, list_id: int, asks_for: str) -> None:
        """A message of the list, which may ask its reader to answer with a word in order to join."""
        self._last[phone, number] = f"list:{list_id}", asks_for

    def says(  # noqa: PLR0913, PLR0917 (who says what to whom, and when)
        self, phone: str, number: str, word: str, event_id: UUID, arrives: int, written: int | None
    ) -> None:
        state = dict(self.states[-1])
        if event_id not in self._seen:
            self._seen.add(event_id)
            if word in ("STOP", "STOP ALL"):
                self._leaves(state, phone, number, word, event_id, arrives, written)
            elif word in ("START", "YES"):
                self._returns(state, phone, number, word, event_id, written)
        self.states.append(state)

    def asks_for_many(self, scope: str, requests: Sequence[tuple[str, UUID, UUID | None]]) -> None:
        """One record takes phones off a list, or puts those back that a removal (the third of each) took off."""
        state = dict(self.states[-1])
        for phone, event_id, lifts in requests:
            if event_id not in self._seen:
                self._seen.add(event_id)
                self._is_removed(state, phone, scope, event_id, lifts)
        self.states.append(state)

    def _is_removed(self, state: State, phone: str, scope: str, event_id: UUID, lifts: UUID | None) -> None:
        is_off = state.get((phone, scope)) == "opted_out"
        if lifts is None and not is_off:
            state[phone, scope] = "opted_out"
            self._removed[phone, scope] = event_id
            self.published.append(("opted_out", scope, event_id))
        elif lifts is not None and is_off and self._removed[phone, scope] == lifts:
            state[phone, scope] = "opted_in"
            self.published.append(("opted_in", scope, event_id))

    def passes(self) -> None:
        """A record that decides nothing."""
        self.states.append(dict(self.states[-1]))

    def _leaves(  # noqa: PLR0913, PLR0917 (as `says`)
        self, state: State, phone: str, number: str, word: str, event_id: UUID, arrives: int, written: int | None
    ) -> None:
        scope, _ = self._last.get((phone, number), ("account", ""))
        scope = "account" if word == "STOP ALL" else scope
        if state.get((phone, scope)) != "opted_out":
            state[phone, scope] = "opted_out"
            self.published.append(("opted_out", scope, event_id))
            self._left[phone, scope] = Left(number)
        left = self._left[phone, scope]
        if written is None:
            left.number, left.by_arrival = number, arrives
        elif left.by_clock is None or written >= left.by_clock:
            left.number, left.by_clock = number, written

    def _returns(  # noqa: PLR0913, PLR0917 (as `says`)
        self, state: State, phone: str, number: str, word: str, event_id: UUID, written: int | None
    ) -> None:
        answered, asked = self._last.get((phone, number), ("", ""))
        for who, scope in sorted(state):
            if who != phone or state[who, scope] != "opted_out" or (who, scope) not in self._left:
                continue
            left = self._left[who, scope]
            answers_a_question = asked and word in ("YES", asked)
            is_meant = scope == answered if answers_a_question else word == "START" and left.number == number
            if is_meant and self._is_later(written, left):
                state[who, scope] = "opted_in"
                self.published.append(("opted_in", scope, event_id))

    @staticmethod
    def _is_later(written: int | None, left: Left) -> bool:
        """Nobody is brought back by a word that may have been written before the STOP."""
        if written is None:
            return left.by_clock is None
        return all(
            written > (stop + 9 if stop % 10 == 0 else stop) for stop in (left.by_clock, left.by_arrival) if stop
        )
