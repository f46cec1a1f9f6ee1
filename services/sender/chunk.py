"""A group of messages that are sent together, with the results of their calls; no I/O."""

from dataclasses import dataclass, field

from services.sender.carriers.carrier import Accepted, Blocked, Called, Refused, Throttled, Unknown
from services.sender.ledger.model import LedgerState, MessageKey, RowUpdate, key_of
from shared.events.outbound import MessageRequested
from shared.suppressions.fence_pass import FencePass


@dataclass(slots=True)
class Chunk:
    """A group of messages that are sent together; `results` has those for which the carrier may have been called."""

    requests: list[MessageRequested]
    fence_pass: FencePass
    results: dict[MessageKey, Called] = field(default_factory=dict)

    def updates(self) -> list[RowUpdate]:
        results = [(key_of(request), self.results.get(key_of(request))) for request in self.requests]
        return [RowUpdate(key, *state_of(result), isinstance(result, Throttled)) for key, result in results]

    def may_have_taken(self) -> set[MessageKey]:
        """Return the keys of the messages that the carrier has, or may have."""
        return {key for key, result in self.results.items() if not isinstance(result, Throttled)}

    def without_outcome(self) -> list[MessageRequested]:
        """Return the messages that were not called, or were not taken because of the pace."""
        return [each for each in self.requests if state_of(self.results.get(key_of(each)))[0] == "pending"]


def state_of(result: Called | None) -> tuple[LedgerState, str | None]:
    """Return what a message's row becomes; None: it was not called."""
    match result:
        case Throttled(reason=reason):
            return "pending", reason
        case Accepted(carrier_message_id=carrier_message_id):
            return "sent", carrier_message_id
        case Refused(reason=reason):
            return "failed", reason
        case Blocked(code=code, reason=reason):
            return "failed", f"{code} {reason}".strip()
        case Unknown(detail=detail):
            return "unknown", detail
        case None:
            return "pending", None
