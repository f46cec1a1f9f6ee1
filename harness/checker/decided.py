"""When the decision about a carrier call can have started."""

from datetime import datetime, timedelta

from harness.checker.evidence import MessageTrail
from harness.checker.history import CarrierCall

FRESHNESS = timedelta(seconds=1)
"""The oldest decision on which a carrier may be called."""


def decisions_before(call: CarrierCall, trail: MessageTrail) -> list[datetime]:
    """Return when the announced decisions started that can be the call's."""
    return [at for at in trail.decided_at if at <= call.arrived_at]


def earliest_decision(call: CarrierCall, trail: MessageTrail) -> datetime:
    """Return when the call's decision started, or the earliest start that the guarantee allows if that is later."""
    return max([call.arrived_at - FRESHNESS - call.slack, *decisions_before(call, trail)])
