"""The editor of a rule: it explains meanwhile what the rule would do, and says at each field what is wrong."""

from collections.abc import Mapping
from typing import Any

import htpy as h
from fastapi import APIRouter
from starlette.responses import Response

from services.dashboard.api import RefusedByApiError
from services.dashboard.components.confirm import confirm
from services.dashboard.components.field import choice, field, text_area
from services.dashboard.components.notice import notice
from services.dashboard.given import FilledForm, filled_form
from services.dashboard.pages.rule_explanation import explanation, no_explanation
from services.dashboard.pages.rule_words import ACTIONS, MATCHES
from services.dashboard.visit import PageVisit, Visit

routes = APIRouter()

HINTS: Mapping[str, str] = {
    "rule_name": "Decisions name the rule by it.",
    "match": "Case, accents, punctuation and look-alike letters do not matter.",
    "terms": "One on each line. Of a detector its name: echo, plain_words, wrong_person, refusal, slogans.",
    "action": "An opt-out is never answered, whatever other rules say.",
    "action_address": "The text of the reply, the address to post to, or the id of the list; empty for other actions.",
    "dedicated_number": "The sender number or ID that was written to; * is every one.",
    "scope": "How far an opt-out by this rule reaches, where the reply does not say. Policies may widen it.",
    "position": "Among rules that do the same, the smallest number wins.",
    "texts": "One on each line. Without any, sentences with the rule's own terms are tried.",
}
"""By the name of the field, which is the API's; each may be replaced by what is wrong with it."""
_API_NAMES = {"message_search_term": "terms", "message_search_type": "match"}
_MAX_TEXTS = 20


@routes.get("/rules/new")
async def new_rule(visit: Visit) -> Response:
    first = {"match": "contains", "action": "OPT_OUT", "dedicated_number": "*", "scope": "list", "position": "0"}
    return editor(visit, FilledForm({**first, "enabled": "1"}))


@routes.get("/rules/{rule_id}")
async def edit_rule(visit: Visit, rule_id: int) -> Response:
    rule = await visit.api.get(f"/v1/rules/{rule_id}")
    return editor(visit, FilledForm(_texts_of(rule)), rule_id)


@routes.post("/rules/new")
async def save_new_rule(visit: Visit) -> Response:
    form = await filled_form(visit)
    try:
        await visit.api.post("/v1/rules", rule_of(form))
    except RefusedByApiError as error:
        return editor(visit, refused_form(form, error), status=422)
    return visit.redirect("/rules?done=saved")


@routes.post("/rules/explain")
async def explain_rule(visit: Visit) -> Response:
    """Explain the rule in the form: a part of the page for htmx, else the whole editor."""
    form = await filled_form(visit)
    rule_id = form.whole_number("rule_id")
    question = {**rule_of(form), "texts": form.lines("texts")[:_MAX_TEXTS], "replaces": rule_id}
    question["rule_name"] = question["rule_name"] or "New rule"
    try:
        explained = await visit.api.post("/v1/rules/explain", question)
    except RefusedByApiError as error:
        shown, form = no_explanation(), refused_form(form, error)
    else:
        problem = explained["problem"]
        shown = explanation(question, explained)
        form = form if problem is None else _with_problem(form, problem["message"], problem["field"])
    if visit.is_partial:
        return visit.part(_general(form), shown, _problems(form))
    return editor(visit, form, rule_id, shown)


@routes.post("/rules/{rule_id}")
async def save_rule(visit: Visit, rule_id: int) -> Response:
    form = await filled_form(visit)
    try:
        await visit.api.put(f"/v1/rules/{rule_id}", rule_of(form))
    except RefusedByApiError as error:
        return editor(visit, refused_form(form, error), rule_id, status=422)
    return visit.redirect("/rules?done=saved")


@routes.post("/rules/{rule_id}/delete")
async def delete_rule(visit: Visit, rule_id: int) -> Response:
    await visit.api.delete(f"/v1/rules/{rule_id}")
    return visit.redirect("/rules?done=deleted")


def rule_of(form: FilledForm) -> dict[str, Any]:
    """Return the rule as the API takes it; what is wrong with it the API says."""
    position = form.whole_number("position")
    return {
        "rule_name": form.text("rule_name"),
        "match": form.text("match") or "contains",
        "terms": form.lines("terms"),
        "action": form.text("action") or "NONE",
        "action_address": form.text("action_address") or None,
        "dedicated_number": form.text("dedicated_number") or "*",
        "scope": form.text("scope") or "list",
        "position": 0 if position is None else position,
        "webhook_type": form.text("webhook_type") or "post",
        "only_as_answer": form.is_on("only_as_answer"),
        "enabled": form.is_on("enabled"),
    }


def _texts_of(rule: Mapping[str, Any]) -> dict[str, str]:
    texts = {name: str(rule[name] or "") for name in (*HINTS, "webhook_type") if name not in ("terms", "texts")}
    ticked = [name for name in ("enabled", "only_as_answer") if rule[name]]
    return {**texts, "terms": "\n".join(rule["terms"]), "position": str(rule["position"]), **dict.fromkeys(ticked, "1")}


def refused_form(form: FilledForm, error: RefusedByApiError) -> FilledForm:
    """Return the form with what the API refuses; what is not about a field is raised on.

    Raises:
        RefusedByApiError: it is about the rule, the account or the session as a whole.
    """
    if error.status not in (409, 422):
        raise error
    return _with_problem(form, error.message, error.field)


def _with_problem(form: FilledForm, message: str, name: str | None) -> FilledForm:
    known = _API_NAMES.get(name or "", (name or "").partition(".")[0])
    return form.with_problem(message.removeprefix(f"{name}: "), known, tuple(HINTS))


def _general(form: FilledForm) -> h.Node:
    return notice("bad", form.general) if form.general else None


def _problems(form: FilledForm) -> h.Node:
    """Return the line under each field: its hint, or what is wrong with it."""
    return [
        h.small(id=f"about-{name}", class_="problem" if form.problem(name) else None, hx_swap_oob="true")[
            form.problem(name) or hint
        ]
        for name, hint in HINTS.items()
    ]


def editor(
    visit: PageVisit, form: FilledForm, rule_id: int | None = None, shown: h.Node = None, status: int = 200
) -> Response:
    """Return the page of the editor, with the form as it is filled in."""
    may_save = visit.user.may("administer")
    title = "New rule" if rule_id is None else form.text("rule_name") or "Rule"
    return visit.page(
        title,
        h.div(".title-row")[h.h1[title], h.div(".links")[h.a(href="/rules")["All rules"]]],
        _general(form),
        h.div(".editor")[
            _form(visit, form, rule_id, may_save=may_save),
            h.div(".beside")[_panel(may_save=may_save, shown=shown), h.div("#simulation")],
        ],
        _delete(visit, rule_id, title) if may_save and rule_id is not None else None,
        status=status,
    )


def _form(visit: PageVisit, form: FilledForm, rule_id: int | None, *, may_save: bool) -> h.Node:
    return h.form("#rule-form.card", method="post", action=f"/rules/{'new' if rule_id is None else rule_id}")[
        visit.csrf_field,
        h.input(type="hidden", name="rule_id", value="" if rule_id is None else str(rule_id)),
        h.input(type="hidden", name="webhook_type", value=form.text("webhook_type") or "post"),
        _line(form, "Name", "rule_name", maxlength="100", required=True),
        choice("A reply that …", "match", MATCHES.items(), chosen=form.text("match"), hint=HINTS["match"]),
        _lines(form, "… these words", "terms", rows=4),
        choice("then", "action", ACTIONS.items(), chosen=form.text("action"), hint=HINTS["action"]),
        _line(form, "with", "action_address", maxlength="2000"),
        h.div(".grid-3")[
            _line(form, "Number", "dedicated_number"),
            choice(
                "Reaches",
                "scope",
                (("list", "the list that was answered"), ("account", "all lists")),
                chosen=form.text("scope"),
                hint=HINTS["scope"],
            ),
            _line(form, "Position", "position", kind="number"),
        ],
        _box("enabled", "Active", is_on=form.is_on("enabled")),
        _box("only_as_answer", "Only where the reply answers a question of ours", is_on=form.is_on("only_as_answer")),
        _lines(form, "Try it on these replies", "texts", rows=3),
        _buttons() if may_save else h.p(".hint")["Your role may look at rules, and not change them."],
    ]


def _buttons() -> h.Node:
    return h.div(".actions")[
        h.button(".quiet", type="submit", formaction="/rules/explain", formnovalidate=True)["Explain"],
        h.button(
            ".quiet",
            type="submit",
            formaction="/rules/simulate",
            formnovalidate=True,
            hx_post="/rules/simulate",
            hx_target="#simulation",
        )["Try on history"],
        h.button(type="submit")["Save"],
    ]


def _panel(*, may_save: bool, shown: h.Node) -> h.Node:
    if not may_save:
        return None
    asks = {
        "hx_post": "/rules/explain",
        "hx_trigger": "load, input delay:400ms from:#rule-form, change from:#rule-form",
        "hx_include": "#rule-form",
        "hx_sync": "this:replace",
    }
    return h.section(".card", aria_labelledby="explained-title")[
        h.h2("#explained-title")["What it would do"],
        h.div("#explained", aria_live="polite", **asks)[shown or h.p(".hint")["Write a rule to see what it does."]],
    ]


def _delete(visit: PageVisit, rule_id: int, name: str) -> h.Node:
    return confirm(
        "delete-rule",
        label="Delete the rule",
        question=f"Delete “{name}”?",
        text=h.p["It is not asked any more from the next reply on. What it decided stays as it is."],
        action=f"/rules/{rule_id}/delete",
        csrf_field=visit.csrf_field,
    )


def _line(form: FilledForm, label: str, name: str, **attributes: Any) -> h.Node:
    return field(
        label, name, value=form.texts.get(name, ""), hint=HINTS[name], problem=form.problem(name), **attributes
    )


def _lines(form: FilledForm, label: str, name: str, *, rows: int) -> h.Node:
    return text_area(
        label, name, value=form.texts.get(name, ""), hint=HINTS[name], problem=form.problem(name), rows=rows
    )


def _box(name: str, label: str, *, is_on: bool) -> h.Node:
    return h.label(".box")[h.input(type="checkbox", name=name, value="1", checked=is_on), label]
