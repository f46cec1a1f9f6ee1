"""*Clean up* a list: who could be taken off is counted first; it asks, shows its progress, and can be undone."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import htpy as h
from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from services.dashboard.api import RefusedByApiError
from services.dashboard.components.badge import badge
from services.dashboard.components.confirm import confirm
from services.dashboard.components.job_panel import PARTS, is_active, job_path, undo_button
from services.dashboard.components.list_tabs import list_head
from services.dashboard.components.moment import moment
from services.dashboard.components.notice import notice
from services.dashboard.components.table import table
from services.dashboard.visit import PageVisit, Visit

routes = APIRouter()

_SHOWN_JOBS = 20
_ALL_PARTS = tuple(PARTS)
_SAME = {
    "phone": ("the same number", ["phone"]),
    "name": ("the same number and name", ["phone", "first_name", "last_name"]),
    "email": ("the same e-mail address", ["email"]),
}
_TITLES = {
    "opt_outs": ("Remove opt-outs", "Whoever has opted out of anything of yours, and is still on this list."),
    "duplicates": ("Remove duplicates", "The oldest of several that are the same stays."),
    "invalid": ("Remove invalid numbers", "Numbers that are in no range in use, which nobody can have."),
}

AskedParts = Annotated[list[str] | None, Query(max_length=3)]


@routes.get("/lists/{list_id}/clean-up")
async def clean_up(visit: Visit, list_id: int, what: AskedParts = None, same: str = "phone") -> Response:
    """Show what there is to choose, and, once something was chosen, whom it would take off."""
    return await _page(visit, list_id, what, same)


@routes.post("/lists/{list_id}/clean-up")
async def start(
    visit: Visit,
    list_id: int,
    what: Annotated[list[str] | None, Form(max_length=3)] = None,
    same: Annotated[str, Form()] = "phone",
) -> Response:
    try:
        job = await visit.api.post(f"/v1/lists/{list_id}/clean-up", {"what": what or [], "fields": _fields(same)})
    except RefusedByApiError as error:
        return await _page(visit, list_id, what, same, error)
    return visit.redirect(job_path(job))


@routes.post("/lists/{list_id}/clean-ups/{job_id}/undo")
async def undo(visit: Visit, list_id: int, job_id: UUID) -> Response:
    try:
        job = await visit.api.post(f"/v1/lists/{list_id}/clean-ups/{job_id}/undo")
    except RefusedByApiError as error:
        return await _page(visit, list_id, None, "phone", error)
    return visit.redirect(job_path(job))


async def _page(
    visit: PageVisit, list_id: int, what: Sequence[str] | None, same: str, refused: RefusedByApiError | None = None
) -> Response:
    found = await visit.api.get(f"/v1/lists/{list_id}")
    read = await visit.api.get("/v1/jobs", {"list_id": list_id, "limit": _SHOWN_JOBS})
    jobs = [job for job in read["jobs"] if job["kind"] in {"clean_up", "undo"}]
    content: list[h.Node] = [list_head(found, "clean-up", visit.user), _refusal(refused), _running(jobs)]
    if visit.user.may("operate"):
        content.append(_choices(list_id, what, same))
    if what and not refused and visit.user.may("operate"):
        content.append(await _preview(visit, found, what, same))
    content.append(_history(visit, jobs))
    return visit.page(f"Clean up {found['name']}", *content, status=refused.status if refused else 200)


def _refusal(refused: RefusedByApiError | None) -> h.Node:
    if refused is None:
        return None
    title = "Another one is running" if refused.code == "running" else "Nothing was changed"
    return notice("warn" if refused.code == "running" else "bad", h.strong[title], h.p[refused.message])


def _running(jobs: Sequence[dict[str, Any]]) -> h.Node:
    job = next(filter(is_active, jobs), None)
    if job is None:
        return None
    words = "is being undone" if job["kind"] == "undo" else "is running"
    return notice("info", f"A clean-up of this list {words}. ", h.a(href=job_path(job))["Follow it"])


def _choices(list_id: int, what: Sequence[str] | None, same: str) -> h.Node:
    chosen = what or _ALL_PARTS
    return h.article[
        h.h2["What to remove"],
        h.form(method="get", action=f"/lists/{list_id}/clean-up")[
            h.fieldset[
                h.legend(".unseen")["What to remove"],
                (
                    h.label(".option")[
                        h.input(type="checkbox", name="what", value=part, checked=part in chosen),
                        h.span[h.strong[title], h.small(".hint.below")[about]],
                    ]
                    for part, (title, about) in _TITLES.items()
                ),
            ],
            h.div(".field")[
                h.label(for_="field-same")["Two contacts are duplicates when they have"],
                h.select(id="field-same", name="same")[
                    (h.option(value=name, selected=name == same)[words] for name, (words, _) in _SAME.items())
                ],
            ],
            h.button(".quiet", type="submit")["Count them first"],
        ],
    ]


async def _preview(visit: PageVisit, found: dict[str, Any], what: Sequence[str], same: str) -> h.Node:
    path = f"/v1/lists/{found['list_id']}/clean-up/preview"
    counts = await visit.api.post(path, {"what": list(what), "fields": _fields(same)})
    parts = [part for part in _TITLES if part in what]
    total = sum(counts[part] for part in parts)
    rows = [[_TITLES[part][0], f"{counts[part]:,}"] for part in parts]
    checked = counts.get("invalid_checked", 0)
    return h.article("#preview")[
        h.h2["What would be removed now"],
        table("What would be removed", ("What", "Contacts"), rows, figures=(1,)),
        h.p(".hint")[f"Invalid numbers were looked for among the first {checked:,} contacts."]
        if "invalid" in parts
        else None,
        _remove(visit, found, parts, same, total) if total else h.p["Nobody would be removed: the list is clean."],
    ]


def _remove(visit: PageVisit, found: dict[str, Any], parts: Sequence[str], same: str, total: int) -> h.Node:
    hidden = [h.input(type="hidden", name="what", value=part) for part in parts]
    people = "1 contact" if total == 1 else f"{total:,} contacts"
    text = h.p[f"They leave the list {found['name']}. This can be undone for 30 days."]
    return confirm(
        "clean-up",
        hidden,
        h.input(type="hidden", name="same", value=same),
        label=f"Remove {people}",
        question=f"Remove {people}?",
        text=text,
        action=f"/lists/{found['list_id']}/clean-up",
        csrf_field=visit.csrf_field,
    )


def _history(visit: PageVisit, jobs: Sequence[dict[str, Any]]) -> h.Node:
    if not jobs:
        return None
    return h.article[
        h.h2["Clean-ups of the last month"],
        table(
            "Clean-ups",
            ("Started", "What", "Removed", "State", "Action"),
            [_past(visit, job) for job in jobs],
            figures=(2,),
        ),
    ]


def _past(visit: PageVisit, job: dict[str, Any]) -> list[h.Node]:
    is_undo = job["kind"] == "undo"
    removed = sum(job["result"].get(part, 0) for part in PARTS)
    state = "undone" if job["undone_by"] else "running" if is_active(job) else job["state"]
    tones = {"done": "good", "failed": "bad", "cancelled": "warn"}
    undoes = job["undoable_until"] and visit.user.may("operate")
    return [
        h.a(href=job_path(job))[moment(job["created_at"])],
        "Undo" if is_undo else "Clean-up",
        "-" if is_undo else f"{removed:,}",
        badge(state, tones.get(state, "info")),  # type: ignore[arg-type]
        undo_button(visit, job) if undoes else "",
    ]


def _fields(same: str) -> list[str]:
    return _SAME.get(same, _SAME["phone"])[1]
