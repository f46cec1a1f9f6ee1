"""The rules, in the order in which they are asked, each with its switch; ready-made packs to add."""

from collections.abc import Mapping
from typing import Any

import htpy as h
from fastapi import APIRouter
from starlette.responses import Response

from services.dashboard.components.badge import badge
from services.dashboard.components.notice import notice
from services.dashboard.components.table import table
from services.dashboard.given import filled_form
from services.dashboard.pages.rule_words import GROUPS, RuleGroup, group_of, matched_words, what_follows
from services.dashboard.visit import PageVisit, Visit

routes = APIRouter()

_DONE = {
    "saved": "The rule is saved. It holds for the next reply that is decided.",
    "deleted": "The rule is deleted. Decisions that were made by it keep naming it.",
    "switched": "The rule is switched. It holds for the next reply that is decided.",
    "added": "The pack's rules are yours now: change or switch off what you do not want.",
}
_PACKS: Mapping[str, str] = {
    "stop": "STOP, and STOP with a few words after it",
    "us_per_se": "The words that US rules name: cancel, end, quit, revoke, opt out, unsubscribe …",
    "opt_in": "START and its relatives opt in again",
    "opt_in_answer": "YES, where it answers a question",
    "help": "HELP and INFO are requests for help",
    "detection": "Detectors: misspelt instructions, plain words, wrong numbers, refusals",
    "slogans": "A detector of insults and slogans",
    "carriers": "Further words that carriers stop for",
    "canada": "ARRET and its relatives, as Canada asks for",
}
_LANGUAGES: Mapping[str, str] = {
    "ar": "Arabic", "de": "German", "es": "Spanish", "fr": "French", "he": "Hebrew", "it": "Italian", "ja": "Japanese",
    "nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "ru": "Russian", "tr": "Turkish", "zh": "Chinese",
}  # fmt: skip
_FIELDS = (
    *("dedicated_number", "rule_name", "action", "action_address", "webhook_type"),
    *("match", "terms", "scope", "position", "only_as_answer"),
)


@routes.get("/rules")
async def rule_list(visit: Visit, done: str = "") -> Response:
    """Show all rules and packs."""
    rules = (await visit.api.get("/v1/rules"))["rules"]
    packs = (await visit.api.get("/v1/rules-packs"))["packs"]
    return visit.page(
        "Rules",
        h.div(".title-row")[
            h.h1["Rules"],
            h.div(".links")[
                h.a(href="/policies")["How far opt-outs reach"] if visit.user.is_account else None,
                h.a(".button", href="/rules/new", role="button")["New rule"] if visit.user.may("administer") else None,
            ],
        ],
        notice("good", _DONE[done]) if done in _DONE else None,
        h.p(".hint")[
            "What a reply means is decided from top to bottom. Within a group, the first rule that matches wins."
        ],
        (_group(visit, group, place, rules) for place, group in enumerate(GROUPS, start=1)),
        _packs(visit, packs),
    )


@routes.post("/rules/{rule_id}/switch")
async def switch_rule(visit: Visit, rule_id: int) -> Response:
    """Switch a rule on or off, as the form says."""
    form = await filled_form(visit)
    rule = await visit.api.get(f"/v1/rules/{rule_id}")
    await visit.api.put(f"/v1/rules/{rule_id}", changed(rule, enabled=form.text("enabled") == "1"))
    return visit.redirect("/rules?done=switched")


@routes.post("/rules/packs/{pack}")
async def add_rule_pack(visit: Visit, pack: str) -> Response:
    await visit.api.post(f"/v1/rules-packs/{pack}")
    return visit.redirect("/rules?done=added")


def changed(rule: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a rule as the API takes it, from one as the API shows it."""
    return {name: rule[name] for name in _FIELDS} | {"enabled": bool(rule["enabled"])} | changes


def _group(visit: PageVisit, group: RuleGroup, place: int, rules: list[dict[str, Any]]) -> h.Node:
    own = [rule for rule in rules if group_of(rule) == group]
    if not own:
        return None
    rows = [
        (
            h.a(href=f"/rules/{rule['inbound_rule_id']}")[rule["rule_name"]],
            matched_words(rule),
            what_follows(rule),
            "every number" if rule["dedicated_number"] == "*" else rule["dedicated_number"],
            _switch(visit, rule),
        )
        for rule in own
    ]
    return h.section(".card", aria_labelledby=f"group-{place}")[
        h.h2(id=f"group-{place}")[f"{place}. {group.title}"],
        h.p(".hint")[group.hint],
        table(group.title, ("Rule", "A reply that …", "then", "On", "Active"), rows),
    ]


def _switch(visit: PageVisit, rule: Mapping[str, Any]) -> h.Node:
    is_on = bool(rule["enabled"])
    state = badge("on", "good") if is_on else badge("off", "warn")
    if not visit.user.may("administer"):
        return state
    label = "Switch off" if is_on else "Switch on"
    return h.form(".inline", method="post", action=f"/rules/{rule['inbound_rule_id']}/switch")[
        visit.csrf_field,
        h.input(type="hidden", name="enabled", value="0" if is_on else "1"),
        state,
        h.button(".quiet.small", type="submit", aria_label=f"{label}: {rule['rule_name']}")[label],
    ]


def _packs(visit: PageVisit, packs: list[dict[str, Any]]) -> h.Node:
    rows = [(_pack_name(pack["pack"]), _about(pack), _add(visit, pack)) for pack in packs]
    return h.section(".card", aria_labelledby="packs")[
        h.h2("#packs")["Ready-made packs"],
        h.p(".hint")["Rules to start from, such as the opt-out words of further languages."],
        table("Packs", ("Pack", "What it has", "Yours"), rows),
    ]


def _pack_name(name: str) -> str:
    return _LANGUAGES.get(name, name.replace("_", " ").capitalize())


def _about(pack: Mapping[str, Any]) -> str:
    known = _PACKS.get(pack["pack"])
    if known is not None:
        return known
    terms = [term for rule in pack["rules"] for term in rule["terms"]]
    return f"{len(terms)} words: {', '.join(terms[:4])} …"


def _add(visit: PageVisit, pack: Mapping[str, Any]) -> h.Node:
    if pack["added"]:
        return badge("added", "good")
    if not visit.user.may("administer"):
        return "-"
    return h.form(".inline", method="post", action=f"/rules/packs/{pack['pack']}")[
        visit.csrf_field,
        h.button(".quiet.small", type="submit", aria_label=f"Add the pack {_pack_name(pack['pack'])}")["Add"],
    ]
