"""The rules of opting out and back in as one would tell them, in a few lines and without any of the service's code."""

from dataclasses import dataclass, field
from uuid import UUID

State = dict[tuple[str, str], str]
"""(phone, scope) to opted_out or opted_in."""


@dataclass
class PlainModel:
    """`states[n]` is what holds when the first n records of the log are decided."""

    states: list[State] = field(default_factory=lambda: [{}])
    told: list[tuple[str, str, UUID]] = field(default_factory=list)
    _last_list: dict[tuple[str, str], str] = field(default_factory=dict)
    _left_through: dict[tuple[str, str], str] = field(default_factory=dict)
    _seen: set[UUID] = field(default_factory=set)

    def is_sent(self, phone: str, number: str, list_id: int) -> None:
        self._last_list[phone, number] = f"list:{list_id}"

    def says(self, phone: str, number: str, word: str, event_id: UUID) -> None:
        state = dict(self.states[-1])
        if event_id not in self._seen:
            self._seen.add(event_id)
            if word == "STOP":
                self._leaves(state, phone, number, event_id)
            elif word == "START":
                self._returns(state, phone, number, event_id)
        self.states.append(state)

    def passes(self) -> None:
        """A record that decides nothing."""
        self.states.append(dict(self.states[-1]))

    def _leaves(self, state: State, phone: str, number: str, event_id: UUID) -> None:
        scope = self._last_list.get((phone, number), "account")
        if state.get((phone, scope)) != "opted_out":
            state[phone, scope] = "opted_out"
            self.told.append(("opted_out", scope, event_id))
        self._left_through[phone, scope] = number

    def _returns(self, state: State, phone: str, number: str, event_id: UUID) -> None:
        for who, scope in sorted(state):
            is_meant = scope == "account" or self._left_through[who, scope] == number
            if who == phone and state[who, scope] == "opted_out" and is_meant:
                state[who, scope] = "opted_in"
                self.told.append(("opted_in", scope, event_id))
