"""The actions of rules, registered once: the API, the checks, the engine and the follow-ups all read this table.

To add one, write its line here and, if it is a follow-up, its effect in `services/optout/decision_log/follow_ups.py`.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An action of a rule, as `ACTIONS` registers it.

    Attributes:
        decides: what a reply that matches is; None: nothing, the rule only says what follows.
        is_follow_up: whether something is done after the decision.
        address: what `action_address` must be: the text of a reply, the address of a webhook, the id of a list.
        messages_recipient: whether it sends the recipient a message: once per reply, and never after an opt-out.
    """

    decides: Literal["opt_out", "opt_in", "help"] | None = None
    is_follow_up: bool = False
    address: Literal["text", "url", "list"] | None = None
    messages_recipient: bool = False


ACTIONS: dict[str, Action] = {
    "OPT_OUT": Action(decides="opt_out"),
    "OPT_IN": Action(decides="opt_in"),
    "POLL": Action(is_follow_up=True),  # the entry is the effect: it says which message a reply to be fetched answers
    "HELP": Action(decides="help"),
    "AUTO_REPLY": Action(is_follow_up=True, address="text", messages_recipient=True),
    "URL": Action(is_follow_up=True, address="url"),
    "MOVE_CONTACT": Action(is_follow_up=True, address="list"),
    "NONE": Action(),
}
"""By the name that the API and stored rules use."""
