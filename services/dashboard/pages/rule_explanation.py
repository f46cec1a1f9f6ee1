"""The explanation of a rule that is being written: a sentence, and what it does with each reply that it is tried on."""

from collections.abc import Mapping
from typing import Any

import htpy as h

from services.dashboard.components.badge import badge
from services.dashboard.components.notice import Tone
from services.dashboard.components.table import table
from services.dashboard.pages.rule_words import KINDS, sentence

_TONES: Mapping[str, Tone] = {"opt_out": "bad", "held": "warn", "opt_in": "good", "help": "info", "none": "info"}


def no_explanation() -> h.Node:
    return h.p(".hint")["Correct what is marked to see what the rule would do."]


def explanation(rule: Mapping[str, Any], explained: Mapping[str, Any]) -> h.Node:
    """Return the explanation of `rule`, as the API gives it."""
    texts = explained["texts"]
    return [
        h.p(".sentence")[sentence(rule)],
        _could_be_saved(explained["problem"]),
        table("Replies", ("Reply", "This rule", "Without it", "With it"), (_row(each) for each in texts))
        if texts
        else h.p(".hint")["Write replies to try it on: none follow from a pattern or a detector."],
    ]


def kind_badge(kind: str) -> h.Renderable:
    """Return what a reply is, as a badge."""
    return badge(KINDS.get(kind, kind), _TONES.get(kind, "info"))


def _could_be_saved(problem: Mapping[str, Any] | None) -> h.Node:
    if problem is None:
        return None
    return h.p(".problem", role="alert")["It cannot be saved like this: ", problem["message"]]


def _row(text: Mapping[str, Any]) -> tuple[h.Node, ...]:
    matches = badge("matches", "good") if text["matches"] else h.span(".hint")["does not match"]
    return (
        [h.span(".reply")[text["text"]], h.br, h.small(".hint")["read as: ", _marked(text)]],
        matches,
        _decided(text["before"]),
        _decided(text["after"]),
    )


def _marked(text: Mapping[str, Any]) -> h.Node:
    read_as, start, end = text["read_as"], text["start"], text["end"]
    if start is None:
        return read_as or "nothing"
    return [read_as[:start], h.mark[read_as[start:end]], read_as[end:]]


def _decided(match: Mapping[str, Any]) -> h.Node:
    by = match["rule"] or ", ".join(match["follow_ups"])
    return [kind_badge(match["kind"]), h.br, h.small(".hint")[by]] if by else kind_badge(match["kind"])
