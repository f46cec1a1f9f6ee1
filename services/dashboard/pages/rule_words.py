"""Rules in words: how each way to match and each action is called, and a sentence that says what a rule does."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

MATCHES: Mapping[str, str] = {
    "stands_alone": "is, or has as a sentence of its own",
    "exact": "is exactly",
    "starts_with": "begins with",
    "contains": "contains",
    "does_not_contain": "does not contain",
    "regex": "matches the pattern",
    "detector": "is recognised by the detector",
    "any": "is any text",
}
ACTIONS: Mapping[str, str] = {
    "OPT_OUT": "opts out",
    "OPT_IN": "opts in again",
    "HELP": "counts as a request for help",
    "AUTO_REPLY": "gets an automatic reply",
    "URL": "is posted to an address",
    "MOVE_CONTACT": "moves the contact to a list",
    "POLL": "is kept to be fetched",
    "NONE": "changes nothing",
}
KINDS: Mapping[str, str] = {
    "opt_out": "opt-out",
    "held": "held for review",
    "opt_in": "opt-in",
    "help": "help",
    "none": "nothing",
}
_ADDRESSED = ("AUTO_REPLY", "URL", "MOVE_CONTACT")
_TERMS_SHOWN = 4
_CHARACTERS = 60


class RuleGroup(NamedTuple):
    """A group of rules that are asked at the same time: its heading, and what that means."""

    title: str
    hint: str


_OPT_OUTS = RuleGroup("Opt-outs", "Asked first. A reply that one of them matches is an opt-out, whatever else it says.")
_DETECTORS = RuleGroup("Detectors", "Asked where no word decided: they recognise opt-outs in free text.")
_OPT_INS = RuleGroup("Opt-ins", "Asked where nothing opts out.")
_HELP = RuleGroup("Help", "Asked where nothing opts out or in.")
_OTHERS = RuleGroup("Everything else", "Follows where nothing above decided. None of these answers an opt-out.")


def group_of(rule: Mapping[str, Any]) -> RuleGroup:
    """Return the group of a rule, by its action and how it matches."""
    match rule["action"]:
        case "OPT_OUT":
            return _DETECTORS if rule["match"] == "detector" else _OPT_OUTS
        case "OPT_IN":
            return _OPT_INS
        case "HELP":
            return _HELP
        case _:
            return _OTHERS


GROUPS = (_OPT_OUTS, _DETECTORS, _OPT_INS, _HELP, _OTHERS)
"""In the order in which they are asked."""


def matched_words(rule: Mapping[str, Any]) -> str:
    """Return what a reply has to be: contains “stop”, “halt” or 4 more."""
    terms: Sequence[str] = rule["terms"]
    if not terms:
        return MATCHES.get(rule["match"], rule["match"])
    shown = ", ".join(f"“{_cut(term)}”" for term in terms[:_TERMS_SHOWN])
    more = f" or {len(terms) - _TERMS_SHOWN} more" if len(terms) > _TERMS_SHOWN else ""
    return f"{MATCHES.get(rule['match'], rule['match'])} {shown}{more}"


def what_follows(rule: Mapping[str, Any]) -> str:
    """Return what happens then: opts out of all lists; gets an automatic reply: “Hello”."""
    done = ACTIONS.get(rule["action"], str(rule["action"]))
    if rule["action"] == "OPT_OUT":
        return f"{done} of {'all lists' if rule['scope'] == 'account' else 'the list that was answered'}"
    if rule["action"] in _ADDRESSED and rule["action_address"]:
        return f"{done}: {_cut(rule['action_address'])}"
    return done


def sentence(rule: Mapping[str, Any]) -> str:
    """Return the whole rule as a sentence."""
    number = "" if rule["dedicated_number"] == "*" else f" to {rule['dedicated_number']}"
    answer = " that answers a question" if rule["only_as_answer"] else ""
    return f"A reply{number}{answer} which {matched_words(rule)} {what_follows(rule)}."


def _cut(text: str) -> str:
    return text if len(text) <= _CHARACTERS else f"{text[:_CHARACTERS]}…"
