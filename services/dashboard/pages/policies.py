"""How far opt-outs reach, by country and date: what holds, a new version, and who would stop getting what on a date."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import htpy as h
from fastapi import APIRouter
from starlette.responses import Response

from services.dashboard.api import RefusedByApiError
from services.dashboard.components.badge import badge
from services.dashboard.components.empty_state import empty_state
from services.dashboard.components.field import choice, field
from services.dashboard.components.figure import figure, figures
from services.dashboard.components.moment import moment
from services.dashboard.components.notice import notice
from services.dashboard.components.number_link import number_link
from services.dashboard.components.table import table
from services.dashboard.given import FilledForm, filled_form
from services.dashboard.visit import PageVisit, Visit

routes = APIRouter()

REACHES = (
    ("list", "the list that was answered"),
    ("sender", "that, and everything from the same number"),
    ("account", "everything"),
)
_NAMES = dict(REACHES)
HINTS: Mapping[str, str] = {
    "country": "Two letters, such as US; * is every country without a policy of its own.",
    "reach": "Of an opt-out where the reply itself does not say.",
    "at": "The day in UTC from which it holds; empty: from now on.",
    "reason": "For evidence: why you decided so.",
}
_ROUNDS = 5
"""Requests for one count: each examines recipients for a second."""
_SHOWN = 50


@routes.get("/policies")
async def policies(visit: Visit, done: str = "") -> Response:
    return await _page(visit, FilledForm({"country": "*", "reach": "list"}), done=done)


@routes.post("/policies/simulate")
async def simulate_policy(visit: Visit) -> Response:
    """Show who would stop getting what by the policy in the form, on its date."""
    form = _dated(await filled_form(visit))
    if form.problems:
        return await _page(visit, form, status=422)
    draft = {"country": form.text("country").upper(), "reach": form.text("reach") or "list"}
    question = {"policy": draft, "at": _time(form.text("at"))}
    try:
        shown = await _affected(visit, question)
    except RefusedByApiError as error:
        return await _page(visit, _refused(form, error), status=422)
    return visit.part(shown) if visit.is_partial else await _page(visit, form, shown)


@routes.post("/policies/new")
async def save_policy(visit: Visit) -> Response:
    form = _dated(await filled_form(visit))
    if form.problems:
        return await _page(visit, form, status=422)
    new = {
        "country": form.text("country").upper(),
        "reach": form.text("reach") or "list",
        "valid_from": _time(form.text("at")),
        "reason": form.text("reason"),
        "by": visit.user.name,
    }
    try:
        await visit.api.post("/v1/policies", new)
    except RefusedByApiError as error:
        return await _page(visit, _refused(form, error), status=422)
    return visit.redirect("/policies?done=saved")


def _dated(form: FilledForm) -> FilledForm:
    """Return the form, with a problem where its date is none: a policy that is meant for later must not hold now."""
    if not form.text("at") or _time(form.text("at")):
        return form
    return form.with_problem("Write a date such as 2026-12-31, or nothing.", "at", tuple(HINTS))


def _refused(form: FilledForm, error: RefusedByApiError) -> FilledForm:
    if error.status not in (409, 422):
        raise error
    name = {"valid_from": "at", "policy.country": "country", "policy.reach": "reach"}.get(
        error.field or "", error.field
    )
    return form.with_problem(error.message, name, tuple(HINTS))


def _time(text: str) -> str | None:
    """Return the beginning of a day in UTC; None where the field has none, or something else."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).isoformat()
    except ValueError:
        return None


async def _page(
    visit: PageVisit, form: FilledForm, shown: h.Node = None, status: int = 200, done: str = ""
) -> Response:
    found = await visit.api.get("/v1/policies")
    versions = (await visit.api.get("/v1/policies/versions", {"limit": _SHOWN}))["versions"]
    title = "How far opt-outs reach"
    return visit.page(
        title,
        h.div(".title-row")[h.h1[title], h.div(".links")[h.a(href="/rules")["Rules"]]],
        notice("good", "The policy is saved. Replies that are decided from its date on go by it.") if done else None,
        notice("bad", form.general) if form.general else None,
        _effective(found),
        h.div(".editor")[_form(visit, form), h.div("#affected.beside", aria_live="polite")[shown]],
        _versions(versions),
        _shipped(found["shipped"]),
        status=status,
    )


def _effective(found: Mapping[str, Any]) -> h.Node:
    countries: dict[tuple[str, str], list[str]] = {}
    for each in sorted(found["effective"], key=lambda policy: policy["country"] == "*"):
        name = "every other country" if each["country"] == "*" else each["country"]
        countries.setdefault((each["reach"], each["version"] or "-"), []).append(name)
    rows = [(", ".join(names), _NAMES[reach], version) for (reach, version), names in countries.items()]
    return h.section(".card", aria_labelledby="effective")[
        h.h2("#effective")["What holds now"],
        table("Policies that hold", ("Recipients in", "An opt-out ends", "By"), rows),
    ]


def _form(visit: PageVisit, form: FilledForm) -> h.Node:
    return h.form("#policy-form.card", method="post", action="/policies/new", aria_labelledby="new-policy")[
        visit.csrf_field,
        h.h2("#new-policy")["A version of your own"],
        _line(form, "Country", "country", maxlength="2", required=True),
        choice("An opt-out ends", "reach", REACHES, chosen=form.text("reach"), hint=HINTS["reach"]),
        _line(form, "From", "at", kind="date"),
        _line(form, "Why", "reason", maxlength="1000"),
        h.div(".actions")[
            h.button(
                ".quiet", type="submit", formaction="/policies/simulate", formnovalidate=True,
                hx_post="/policies/simulate", hx_target="#affected",
            )["Who would stop getting what?"],
            h.button(type="submit")["Save this version"],
        ],
    ]  # fmt: skip


def _line(form: FilledForm, label: str, name: str, **attributes: Any) -> h.Node:
    return field(
        label, name, value=form.texts.get(name, ""), hint=HINTS[name], problem=form.problem(name), **attributes
    )


async def _affected(visit: PageVisit, question: Mapping[str, Any]) -> h.Node:
    counts, following = {"examined": 0, "recipients": 0, "memberships": 0}, None
    lists: dict[tuple[int, str], int] = {}
    for _ in range(_ROUNDS):
        found = await visit.api.post("/v1/policies/simulate", question, {"after": following})
        counts = {name: count + found[name] for name, count in counts.items()}
        for each in found["lists"]:
            key = each["list_id"], each["name"]
            lists[key] = lists.get(key, 0) + each["recipients"]
        following = found["next"]
        if following is None:
            break
    people = await visit.api.post("/v1/policies/simulate/recipients", question)
    return h.section(".card", aria_labelledby="affected-title")[
        h.h2("#affected-title")["Who would stop getting what"],
        h.p(".hint")[
            "If they had opted out on ", moment(found["at"]), ", by this policy and all others that hold then."
        ],
        None if following is None else notice("warn", "There are more recipients than were counted in five seconds."),
        figures(
            figure("Opted out somewhere", f"{counts['examined']:,}"),
            figure("Would get less", f"{counts['recipients']:,}"),
            figure("Memberships that would end", f"{counts['memberships']:,}"),
        ),
        _lists(lists),
        _people(people["recipients"][:_SHOWN]),
    ]


def _lists(lists: Mapping[tuple[int, str], int]) -> h.Node:
    if not lists:
        return empty_state("Nobody", "Nobody who has opted out would get less by it.")
    rows = [(h.a(href=f"/lists/{list_id}")[name], f"{count:,}") for (list_id, name), count in lists.items()]
    return table("Lists", ("List that they would not get any more", "Recipients"), rows, figures=(1,))


def _people(people: list[Mapping[str, Any]]) -> h.Node:
    if not people:
        return None
    rows = [
        (
            number_link(each["phone"]),
            each["country"] or "-",
            ", ".join(each["left"]),
            ", ".join(stop["name"] or f"list {stop['list_id']}" for stop in each["stops"]),
        )
        for each in people
    ]
    return [h.h3["The first of them"], table("Recipients", ("Number", "Country", "Left", "Would also end"), rows)]


def _versions(versions: list[Mapping[str, Any]]) -> h.Node:
    if not versions:
        return None
    rows = [
        (
            each["version"], each["country"], _NAMES[each["reach"]], moment(each["valid_from"]),
            [each["reason"], h.br, h.small(".hint")[f"{each['by']}, ", moment(each["made_at"])]],
        )
        for each in versions
    ]  # fmt: skip
    columns = ("Version", "Country", "An opt-out ends", "From", "Why")
    return h.section(".card", aria_labelledby="versions")[
        h.h2("#versions")["Your versions"], table("Versions", columns, rows)
    ]


def _shipped(shipped: list[Mapping[str, Any]]) -> h.Node:
    return h.section(".card", aria_labelledby="shipped")[
        h.h2("#shipped")["What Stopline brings along"],
        [
            h.details[
                h.summary[
                    each["version"], " ", badge(", ".join(each["countries"])), " from ", moment(each["valid_from"])
                ],
                h.p[each["text"]],
                h.p(".hint")["Source: ", each["source"]],
            ]
            for each in shipped
        ]
        or h.p(".hint")["None: the deployment has none in use."],
    ]
