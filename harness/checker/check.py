"""The judgement: every guarantee with the checks that prove it. Each check is a function whose docstring says what.

G1, no send after STOP: no call was decided after a STOP was acknowledged, without being announced, or on a decision
    older than a second.
G2, nothing lost: what was answered with 2xx is in Kafka; each reply is decided once and has its effect, in Kafka and in
    the customer API; each request has one outcome, which fits its calls; what cannot be read is parked.
G3, at most one accepted carrier call per message id.
G4, fail closed: no call was made while a part was down that a decision needs.
G5, only the right list: no reply changed a scope that it is not about, where no policy makes it reach further, and
    nothing was suppressed without an opt-out.
G6, silence: phones received what an account requested, and nothing else; after a STOP at most the one confirmation that
    the account has switched on.
G8, explainable: no entry of the decision log was changed. The hash chain itself is checked by the customer API.

Not checked:
* G7, a working instruction in every message: the checker has no eye of its own for instructions.
* A repeated STOP without a time, after a START: it is a reply of its own only if the opt-out service decided it again.
* A topic that is deleted and created again during a run: a place has the topic's name, not its id.
"""

from collections.abc import Mapping
from types import MappingProxyType

from harness.checker import calls, confirmations, outcomes, replies
from harness.checker.evidence import Check, Evidence
from harness.checker.history import History
from harness.checker.violation import Guarantee, Violation

CHECKS: Mapping[Guarantee, tuple[Check, ...]] = MappingProxyType(
    {
        "G1": (
            calls.unannounced_call,
            calls.announced_late,
            calls.stale_decision,
            calls.sent_after_stop,
        ),
        "G2": (
            replies.webhook_lost,
            replies.not_decided,
            replies.decided_twice,
            replies.decided_without_event,
            replies.change_missing,
            replies.change_published_twice,
            replies.stop_without_effect,
            replies.opt_out_lost,
            replies.not_parked,
            outcomes.no_outcome,
            outcomes.outcomes_contradict,
            outcomes.event_with_several_ids,
            outcomes.outcome_contradicts_call,
            outcomes.outcome_without_dispatching,
            outcomes.sent_without_call,
            outcomes.failed_though_accepted,
        ),
        "G3": (calls.called_twice,),
        "G4": (calls.called_during_outage,),
        "G5": (
            replies.wrong_scope,
            replies.forbidden_without_wish,
            outcomes.dropped_for_nothing,
        ),
        "G6": (
            calls.never_requested,
            calls.received_without_call,
            confirmations.not_a_confirmation,
            confirmations.confirmed_twice,
        ),
        "G8": (replies.entry_changed,),
    }
)


def check(history: History) -> list[Violation]:
    """Return every violation of a guarantee that the history shows; an empty list is the proof that was asked for."""
    evidence = Evidence(history)
    return [
        Violation(guarantee, one.__name__, breach.subject, breach.detail)
        for guarantee, checks in CHECKS.items()
        for one in checks
        for breach in one(evidence)
    ]
