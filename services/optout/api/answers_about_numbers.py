"""The answers of `/v1` about a number."""

from collections.abc import Sequence

from services.optout.api.answers import ShownId, ShownTime, V1Answer
from shared.events.suppression import SuppressionState


class ListWithNumber(V1Answer):
    """A list that the number is on, or was taken off at `removed_at`: by hand or by a clean-up, not by an opt-out."""

    list_id: int
    name: str
    added_at: ShownTime
    removed_at: ShownTime | None


class StateOfNumber(V1Answer):
    """The state of the number in one scope, and what caused it; `source` is `reply` or what asked for it.

    `is_opt_out` is false also where a clean-up, or a report that the number was reassigned, keeps messages from it.
    """

    scope: str
    list_id: int | None
    list_name: str | None
    state: SuppressionState
    is_opt_out: bool
    source: str
    gateway: str | None
    changed_at: ShownTime
    cause_event_id: ShownId
    text: str | None
    rule: str | None
    by: str | None


class ShownNumber(V1Answer):
    """A number; `written` is how people write it, with its country code."""

    phone: str
    country: str | None
    written: str
    lists: Sequence[ListWithNumber]
    states: Sequence[StateOfNumber]
