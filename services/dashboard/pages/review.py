"""The review of held replies: one at a time beside its conversation, decided with one key and undone with another."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import htpy as h
from fastapi import APIRouter
from starlette.responses import Response

from services.dashboard.api import RefusedByApiError, SessionApi
from services.dashboard.components.badge import badge
from services.dashboard.components.empty_state import empty_state
from services.dashboard.components.moment import moment
from services.dashboard.components.notice import notice
from services.dashboard.components.number_link import grouped, number_link
from services.dashboard.pages.conversation import conversation
from services.dashboard.pages.rule_words import MATCHES
from services.dashboard.visit import PageVisit, Visit
from shared.scopes import kind_and_value

routes = APIRouter()

UNDO_SECONDS = 30
_PAGE = 100
_PAGE_OF_EVIDENCE = 200
_MOST_PAGES = 10
_DONE = {
    "confirmed": "Confirmed: it becomes an opt-out in half a minute.",
    "released": "Released: messages go through again in half a minute.",
    "undone": "Undone: the reply waits for a person again.",
}
_WORDS = {"confirm": "confirmed", "release": "released"}
_WHY: Mapping[str, str] = {
    "echo": "looks like the instruction of the message, misspelt",
    "plain_words": "asks to be left alone in plain words",
    "partial": "asks for fewer messages, at other hours or of one kind",
    "complaint": "complains, threatens, or says that they asked before",
    "wrong_person": "says that the number belongs to somebody else",
    "refusal": "refuses in hostile words",
    "slogans": "insults or shouts",
    "rules_too_slow": "could not be searched for all patterns in time",
}


@routes.get("/review")
async def review(visit: Visit, done: str = "", at: UUID | None = None) -> Response:
    """Show the queue, and the reply that is to be decided next."""
    held, is_all = await queued(visit.api)
    waiting = [each for each in held if each["decided"] is None]
    decided = [each for each in held if each["decided"] is not None]
    chosen = next((each for each in waiting if each["event_id"] == str(at)), waiting[0] if waiting else None)
    return visit.page(
        "Review",
        h.div(".title-row")[h.h1["Review"], h.span(".hint")[_how_many(len(waiting), is_all=is_all)]],
        notice("good", _DONE[done]) if done in _DONE else None,
        _undoable(visit, decided),
        await _chosen(visit, chosen) if chosen else _nothing(is_all=not decided),
        _others([each for each in waiting if each is not chosen]),
    )


@routes.post("/review/{event_id}/confirm")
async def confirm_reply(visit: Visit, event_id: UUID) -> Response:
    return await _decide(visit, event_id, "confirm")


@routes.post("/review/{event_id}/release")
async def release_reply(visit: Visit, event_id: UUID) -> Response:
    return await _decide(visit, event_id, "release")


@routes.post("/review/{event_id}/undo")
async def undo_review(visit: Visit, event_id: UUID) -> Response:
    await visit.api.post(f"/v1/review/{event_id}/undo")
    return visit.redirect(f"/review?done=undone&at={event_id}")


async def queued(api: SessionApi) -> tuple[list[Mapping[str, Any]], bool]:
    """Return the first held replies, and whether they are all: as many pages as it takes to find one to decide."""
    held: list[Mapping[str, Any]] = []
    after: str | None = None
    for _ in range(_MOST_PAGES):
        page = await api.get("/v1/review", {"limit": _PAGE, "after": after})
        held += page["held"]
        after = page["next"]
        if after is None or any(each["decided"] is None for each in page["held"]):
            break
    return held, after is None


async def whole_timeline(api: SessionApi, phone: str) -> list[Mapping[str, Any]]:
    """Return what is known of a number in order: pages of evidence begin with the oldest entries."""
    items: list[Mapping[str, Any]] = []
    after: str | None = None
    for _ in range(_MOST_PAGES):
        page = await api.get("/v1/evidence", {"phone": phone, "limit": _PAGE_OF_EVIDENCE, "after": after})
        items += page["timeline"]
        after = page["next"]
        if after is None:
            break
    return sorted(items, key=lambda item: str(item["at"]))


async def _decide(visit: PageVisit, event_id: UUID, word: str) -> Response:
    body = {"by": visit.user.name, "undo_seconds": UNDO_SECONDS}
    await visit.api.post(f"/v1/review/{event_id}/{word}", body)
    return visit.redirect(f"/review?done={_WORDS[word]}")


def _how_many(count: int, *, is_all: bool) -> str:
    if not count:
        return ""
    waits = f"{count:,}{'' if is_all else ' or more'} {'waits' if count == 1 else 'wait'}"
    return f"{waits}; nothing is sent to them meanwhile"


def _nothing(*, is_all: bool) -> h.Node:
    text = (
        "Replies that look like opt-outs, and may be none, wait here for a person. The detectors among the rules decide"
        " which ones."
    )
    if not is_all:
        return empty_state("All are decided", "You can still undo the last decisions, above.")
    return empty_state("Nothing waits for you", text, h.a(href="/rules")["See the rules"])


async def _chosen(visit: PageVisit, held: Mapping[str, Any]) -> h.Node:
    try:
        said = conversation(await whole_timeline(visit.api, held["phone"]))
    except RefusedByApiError as error:  # who may decide need not have the right to see all that was sent
        said = notice("info", error.message)
    return h.div(".beside-each-other")[_card(visit, held), said]


def _card(visit: PageVisit, held: Mapping[str, Any]) -> h.Node:
    return h.article(".held", aria_labelledby="held-title")[
        h.h2("#held-title", tabindex="-1", autofocus=True)["From ", number_link(held["phone"])],
        h.blockquote(".said")[held["body"] or "(no text)"],
        h.dl(".facts")[
            h.dt["Why"], h.dd[_why(held)],
            h.dt["By the rule"], h.dd[held["rule"] or "none"],
            h.dt["Written"], h.dd[moment(held["received_at"])],
            h.dt["Would stop"], h.dd[", ".join(map(_scope, held["scopes"]))],
        ],
        _decisions(visit, held["event_id"]) if visit.user.may("operate") else None,
    ]  # fmt: skip


def _decisions(visit: PageVisit, event_id: str) -> h.Node:
    return h.div(".decisions")[
        _one_key(visit, event_id, "confirm", "c", "It is an opt-out", "danger"),
        _one_key(visit, event_id, "release", "r", "Let messages through", "quiet"),
        h.p(".hint")["Press ", h.kbd["c"], " or ", h.kbd["r"], "; ", h.kbd["u"], " undoes your last decision."],
    ]


def _one_key(visit: PageVisit, event_id: str, word: str, key: str, label: str, look: str) -> h.Node:  # noqa: PLR0913, PLR0917 (a button's texts)
    return h.form(".inline", method="post", action=f"/review/{event_id}/{word}")[
        visit.csrf_field,
        h.button(f".{look}", type="submit", data_key=key, aria_keyshortcuts=key)[label, " ", h.kbd[key]],
    ]


def _why(held: Mapping[str, Any]) -> str:
    reason = _WHY.get(held["reason"] or "", "")
    term = f"“{held['term']}”" if held["term"] else ""
    if reason:
        return f"It {reason}{': ' + term if term else ''}"
    return f"It {MATCHES['contains']} {term}" if term else "It may be an opt-out"


def _scope(scope: str) -> str:
    kind, name = kind_and_value(scope)
    return {"account": "all messages", "list": f"list {name}", "sender": f"messages from {name}"}.get(kind, scope)


def _undoable(visit: PageVisit, decided: Sequence[Mapping[str, Any]]) -> h.Node:
    """Return what was decided a moment ago, the newest first; the key undoes the newest of the person's own."""
    if not decided:
        return None
    newest = sorted(decided, key=lambda each: str(each["decided"]["undo_until"]), reverse=True)
    own = next((each for each in newest if each["decided"]["by"] == visit.user.name), None)
    return h.section(".card.undoable", aria_labelledby="undoable")[
        h.h2("#undoable")["Decided a moment ago"],
        h.ul[(h.li[_undo(visit, each, is_last=each is own)] for each in newest)],
    ]


def _undo(visit: PageVisit, held: Mapping[str, Any], *, is_last: bool) -> h.Node:
    word, by = held["decided"]["decision"], held["decided"]["by"]
    state = badge("opt-out", "bad") if word == "confirm" else badge("released", "good")
    text = h.span[state, " ", grouped(held["phone"]), " “", held["body"][:80], f"”, by {by}"]
    if not visit.user.may("operate"):
        return text
    key = {"data_key": "u", "aria_keyshortcuts": "u"} if is_last else {}
    return h.form(".inline", method="post", action=f"/review/{held['event_id']}/undo")[
        visit.csrf_field,
        text,
        h.button(".quiet.small", type="submit", aria_label=f"Undo for {grouped(held['phone'])}", **key)[
            "Undo", [" ", h.kbd["u"]] if is_last else None
        ],
    ]


def _others(others: Sequence[Mapping[str, Any]]) -> h.Node:
    if not others:
        return None
    return h.section(".card", aria_labelledby="others")[
        h.h2("#others")["Also waiting"],
        h.ul(".waiting")[
            (
                h.li[
                    h.a(href=f"/review?at={each['event_id']}")[grouped(each["phone"])],
                    " ",
                    h.span(".reply")[each["body"][:120]],
                ]
                for each in others
            )
        ],
    ]
