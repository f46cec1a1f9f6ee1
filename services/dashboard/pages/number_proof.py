"""Verifying a number's entries, for an auditor, and erasing the person, for the account itself."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import htpy as h
from fastapi import APIRouter, Form
from starlette.responses import Response

from services.dashboard.api import RefusedByApiError
from services.dashboard.components.field import field
from services.dashboard.components.followed import followed
from services.dashboard.components.notice import notice
from services.dashboard.components.number_link import number_link, number_path
from services.dashboard.components.table import table
from services.dashboard.refusals import PageError
from services.dashboard.verification import CheckedEntry, checked_entries
from services.dashboard.visit import PageVisit, Visit

routes = APIRouter()

_PAGE = 1_000
_MAX_ENTRIES = 5_000
_SHOWN = 100
_WARNING = notice(
    "warn",
    h.strong["This cannot be undone. "],
    h.p[
        "The texts of messages and replies, the contact on every list, and the number itself are erased. Opt-outs stay"
        " in force. To erase is not to opt out: if they want no more messages, enter an opt-out, too."
    ],
)


@routes.get("/numbers/{phone}/verify")
async def verify(visit: Visit, phone: str) -> Response:
    entries, is_all = await _entries(visit, phone)
    shown = _verified(checked_entries(entries), is_all=is_all)
    if visit.is_partial:
        return visit.part(shown)
    back = h.p[h.a(href=number_path(phone))["Back to the number"]]
    return visit.page("Verify", h.h1["Verify ", number_link(phone)], shown, back)


async def _entries(visit: PageVisit, phone: str) -> tuple[list[Mapping[str, Any]], bool]:
    """Return the entries about a number, up to a limit, and whether that is all of them."""
    entries: list[Mapping[str, Any]] = []
    after = None
    while len(entries) < _MAX_ENTRIES:
        read = await visit.api.get("/v1/evidence", {"phone": phone, "limit": _PAGE, "after": after})
        entries += read["entries"]
        after = read["next"]
        if after is None:
            return entries, True
    return entries, False


def _verified(checked: Sequence[CheckedEntry], *, is_all: bool) -> h.Node:
    if not checked:
        return notice("info", "There is no entry about this number.")
    bad = [each for each in checked if each.problems]
    number = f"{len(checked):,} {'entry was' if len(checked) == 1 else 'entries were'} checked"
    if bad:
        said = notice("bad", h.strong[f"{number}, and {len(bad):,} of them are not as they were written."])
    else:
        said = notice(
            "good",
            h.strong[f"{number}: each is as it was written, and none between the first and the last is missing."],
            h.p[
                "Computed here again, with SHA-256, from the text of each. That nothing was cut off at the end is shown"
                " by the proof pack, with the anchors that are kept outside the database."
            ],
        )
    return [said, None if is_all else notice("warn", f"Only the first {_MAX_ENTRIES:,} were checked."), _which(checked)]


def _which(checked: Sequence[CheckedEntry]) -> h.Node:
    rows = [
        [f"partition {each.partition}, entry {each.sequence}", "; ".join(each.problems) or _sound(each)]
        for each in sorted(checked, key=lambda each: not each.problems)[:_SHOWN]
    ]
    more = len(checked) - len(rows)
    return h.details(open=any(each.problems for each in checked))[
        h.summary["Which entries"],
        table("Checked entries", ("Entry", "Result"), rows),
        h.p(".hint")[f"And {more:,} more, all as they were written."] if more else None,
    ]


def _sound(entry: CheckedEntry) -> str:
    return "as it was written; its text was erased" if entry.is_erased else "as it was written"


@routes.get("/numbers/{phone}/erase")
async def ask_erasure(visit: Visit, phone: str) -> Response:
    return _erase_page(visit, phone)


@routes.post("/numbers/{phone}/erase")
async def erase(
    visit: Visit, phone: str, typed: Annotated[str, Form()] = "", reason: Annotated[str, Form()] = ""
) -> Response:
    _only_the_account(visit)
    if "".join(typed.split()) != phone:
        return _erase_page(visit, phone, reason, {"typed": f"Type the number exactly: {phone}"})
    try:
        made = await visit.api.post("/v1/erasures", {"phone": phone, "reason": reason, "by": visit.user.name})
    except RefusedByApiError as error:
        return _erase_page(visit, phone, reason, {error.field or "": error.message})
    return visit.redirect(f"/numbers/erasures/{made['erasure_id']}")


@routes.get("/numbers/erasures/{erasure_id}")
async def erasure(visit: Visit, erasure_id: str) -> Response:
    """Follow an erasure: the number itself is named nowhere any more."""
    _only_the_account(visit)
    shown = await visit.api.get(f"/v1/erasures/{erasure_id}")
    return visit.page("Erasure", h.h1["Erasure"], _erasure(shown))


def _erasure(shown: Mapping[str, Any]) -> h.Node:
    path = f"/numbers/erasures/{shown['erasure_id']}"
    if shown["state"] in {"waiting", "running"}:
        following = followed(path, "500ms") | {"hx_select": "#erasure"}
        return h.article("#erasure", aria_live="polite", **following)[
            h.p["It is being erased."], h.progress(aria_label="Erasure")
        ]
    counts = ", ".join(
        f"{number:,} {name.replace('_', ' ')}" for name, number in shown["erased"].items() if isinstance(number, int)
    )
    said = (
        notice("good", h.strong["The person was erased. "], h.p[counts])
        if shown["state"] == "done"
        else notice("bad", shown["error"])
    )
    return h.article("#erasure", aria_live="polite")[
        said,
        h.p["Opt-outs stay in force. Whoever had not opted out gets messages again if somebody adds the number."],
        h.p(".hint")[f"Reason: {shown['reason']}"],
    ]


def _only_the_account(visit: PageVisit) -> None:
    if not visit.user.is_account:
        text = "A person is erased by the account itself: sign in with the account's own name and API key."
        raise PageError(403, "Only the account itself may do this", text)


def _erase_page(visit: PageVisit, phone: str, reason: str = "", problems: Mapping[str, str] | None = None) -> Response:
    _only_the_account(visit)
    wrong = problems or {}
    general = next((text for name, text in wrong.items() if name not in {"typed", "reason"}), None)
    said = notice("bad", general) if general else None
    form = h.article(".form")[_erase_form(visit, phone, reason, wrong)]
    content = h.h1["Erase ", number_link(phone)], _WARNING, said, form
    return visit.page("Erase a person", *content, status=422 if wrong else 200)


def _erase_form(visit: PageVisit, phone: str, reason: str, wrong: Mapping[str, str]) -> h.Node:
    about, typed = "It is kept: do not name the person.", wrong.get("typed", "")
    return h.form(method="post", action=f"{number_path(phone)}/erase")[
        visit.csrf_field,
        field("Reason", "reason", value=reason, problem=wrong.get("reason", ""), required=True, hint=about),
        field("Type the number to confirm", "typed", problem=typed, required=True, hint=phone),
        h.div(".actions")[
            h.a(".quiet", role="button", href=number_path(phone))["Cancel"],
            h.button(".danger", type="submit")["Erase for good"],
        ],
    ]
