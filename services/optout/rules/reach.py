"""How far an opt-out reaches: the list of the answered message, or all that the account sends."""

from collections.abc import Iterable

from services.optout.rules.everything import asks_for_everything, without_everything
from services.optout.rules.matcher import Hit, ReplyContext
from services.optout.rules.normalised_reply import NormalisedReply
from services.optout.rules.rule import RuleReach
from shared.instructions.find import Instruction


def opt_out_reach(of_rule: RuleReach, hit: Hit, reply: ReplyContext) -> RuleReach:
    """Return the reach: as far as the rule or the reply says, else as the word that the answered message offered."""
    if of_rule == "account" or _says_everything(hit, reply.normalised):
        return "account"
    offered = reply.instruction
    if offered is None or not offered.for_everything:
        return "list"
    return "account" if _chooses_everything(hit, reply.normalised, offered) else "list"


def _says_everything(hit: Hit, normalised: NormalisedReply) -> bool:
    if asks_for_everything(normalised):
        return True
    is_misspelt = hit.finding is not None and hit.finding.matched_by == "echo"
    return is_misspelt and any(without_everything(normalised))


def _chooses_everything(hit: Hit, normalised: NormalisedReply, offered: Instruction) -> bool:
    """Say whether the reply has a word that was offered for everything, or none that was offered for the list."""
    if _has_any(normalised, offered.for_everything):
        return True
    for_list = [word for word in offered.words if word not in offered.for_everything]
    meant = hit.finding.word if hit.finding else hit.term
    return meant not in for_list and not _has_any(normalised, for_list)


def _has_any(normalised: NormalisedReply, terms: Iterable[str]) -> bool:
    text = f" {normalised.text} "
    return any(f" {term} " in text for term in terms)
