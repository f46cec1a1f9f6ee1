"""A job of a list as people follow it: its progress while it runs, then what it did, and the way back."""

from collections.abc import Mapping, Sequence
from typing import Any

import htpy as h

from services.dashboard.components.confirm import confirm
from services.dashboard.components.followed import followed
from services.dashboard.components.moment import moment
from services.dashboard.components.notice import Tone, notice
from services.dashboard.components.progress import progress
from services.dashboard.components.table import table
from services.dashboard.visit import PageVisit

KINDS = {
    "contact_import": "Import",
    "opt_out_import": "Import of opt-outs",
    "clean_up": "Clean-up",
    "undo": "Undo of a clean-up",
}
PARTS = {
    "opt_outs": "who opted out of something else of yours",
    "duplicates": "duplicates",
    "invalid": "numbers that are in no range in use",
}
_ACTIVE = ("waiting", "running")
_SHOWN_ROWS = 1_000


def is_active(job: Mapping[str, Any]) -> bool:
    return job["state"] in _ACTIVE


def job_path(job: Mapping[str, Any]) -> str:
    return f"/lists/{job['list_id']}/jobs/{job['job_id']}"


def job_panel(visit: PageVisit, job: Mapping[str, Any]) -> h.Node:
    """Return the panel, which asks for itself until the job has ended."""
    if is_active(job):
        return _active(visit, job)
    return h.article("#job", aria_live="polite")[_ended(job), _bad_rows(job["result"]), _undo(visit, job)]


def _active(visit: PageVisit, job: Mapping[str, Any]) -> h.Node:
    kind, path = KINDS.get(job["kind"], "Job"), job_path(job)
    done, total = job["progress"]["done"], job["progress"]["total"]
    bar = progress("Waiting for its turn" if job["state"] == "waiting" else f"{kind} is running", done, total)
    cancel = h.form(method="post", action=f"{path}/cancel")[
        visit.csrf_field, h.button(".quiet", type="submit")["Stop after this step"]
    ]
    following = followed(path, "500ms") | {"hx_select": "#job"}
    hint = "You may leave this page: it goes on, and its result stays here for a month."
    return h.article("#job", aria_live="polite", **following)[
        bar,
        h.p(".hint")[hint, h.noscript[" ", h.a(href=path)["Look again"]]],
        h.div(".actions")[cancel] if visit.user.may("operate") else None,
    ]


def _ended(job: Mapping[str, Any]) -> h.Node:
    kind, result = KINDS.get(job["kind"], "Job"), job["result"]
    when = moment(job["ended_at"])
    if job["state"] == "failed":
        return notice("bad", h.strong[f"{kind} failed. "], h.p[job["error"]], h.p(".hint")[when])
    if job["state"] == "cancelled":
        return notice("warn", h.strong[f"{kind} was stopped. "], h.p[_did(job["kind"], result)], h.p(".hint")[when])
    tone: Tone = "warn" if result.get("bad_rows") else "good"
    return notice(tone, h.strong[f"{kind} is done. "], h.p[_did(job["kind"], result)], h.p(".hint")[when])


def _did(kind: str, result: Mapping[str, Any]) -> str:
    match kind:
        case "contact_import" | "opt_out_import":
            return _imported(kind, result)
        case "clean_up":
            parts = [f"{result[part]:,} {words}" for part, words in PARTS.items() if part in result]
            return f"Taken off the list: {'; '.join(parts) or 'nobody'}."
        case "undo":
            back = result.get("opt_outs", 0) + result.get("restored", 0)
            return f"{back:,} are on the list again, except who has opted out of it by themselves since."
        case _:
            return ""


def _imported(kind: str, result: Mapping[str, Any]) -> str:
    bad = result.get("bad_rows", 0)
    if kind == "contact_import":
        good = f"{result['added']:,} contacts were added." if "added" in result else "Nothing was added."
    else:
        good = f"{result.get('good_rows', 0):,} numbers were opted out."
    return f"{good} {bad:,} rows could not be read; they are named below." if bad else good


def _bad_rows(result: Mapping[str, Any]) -> h.Node:
    bad: Sequence[Mapping[str, Any]] = result.get("bad", ())
    if not bad:
        return None
    rows = [[str(each["row"]), each["reason"]] for each in bad[:_SHOWN_ROWS]]
    more = result["bad_rows"] - len(rows)
    return [
        h.h2["Rows that could not be read"],
        table("Rows that could not be read", ("Row of the file", "Why"), rows),
        h.p(".hint")[f"And {more:,} more."] if more > 0 else None,
        h.p(".hint")["Correct them in your file, and import these rows alone: the others are on the list."],
    ]


def _undo(visit: PageVisit, job: Mapping[str, Any]) -> h.Node:
    if job["kind"] != "clean_up":
        return None
    if job["undone_by"]:
        return h.p[h.a(href=f"/lists/{job['list_id']}/jobs/{job['undone_by']}")["This clean-up was undone"]]
    if not job["undoable_until"]:
        return h.p(".hint")["It can no longer be undone: that is possible for 30 days."]
    until = h.p(".hint")["It can be undone until ", moment(job["undoable_until"]), "."]
    return [until, undo_button(visit, job) if visit.user.may("operate") else None]


def undo_button(visit: PageVisit, job: Mapping[str, Any]) -> h.Node:
    """Return the button that undoes a clean-up, once it has asked."""
    text = h.p["Everybody whom it took off is on the list again, except who has opted out of it by themselves since."]
    action = f"/lists/{job['list_id']}/clean-ups/{job['job_id']}/undo"
    return confirm(
        f"undo-{job['job_id']}",
        label="Undo",
        question="Undo this clean-up?",
        text=text,
        action=action,
        csrf_field=visit.csrf_field,
    )
