"""Answers to whoever opens a link or presses a button.

Postgres is asked for a name and for what was chosen before, and may be unavailable. What is pressed goes to Kafka
alone.
"""

import logging
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from services.optout.links import metrics
from services.optout.links.form import choice_of
from services.optout.links.limits import (
    ADDRESS_AT_ONCE,
    ADDRESS_PER_SECOND,
    BODY_SECONDS,
    RETRY_AFTER_SECONDS,
    UNDOS_AT_ONCE,
    UNDOS_PER_SECOND,
    UNKNOWN_AT_ONCE,
    UNKNOWN_CLICKS_AT_ONCE,
    UNKNOWN_CLICKS_PER_SECOND,
    UNKNOWN_PER_SECOND,
    RateLimit,
)
from services.optout.links.lookup import KnownLink
from services.optout.links.page import HEADERS, PageKind, PressedButton, language_of, page
from services.optout.links.publish import confirmed, undone
from services.optout.links.runtime import Runtime
from shared.deadlines import Deadlines
from shared.errors import TransientError
from shared.http import Lifecycle
from shared.opt_out_links import is_token

log = logging.getLogger(__name__)

_STATUS: dict[PageKind, HTTPStatus] = {
    "unknown": HTTPStatus.NOT_FOUND,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "too_many": HTTPStatus.TOO_MANY_REQUESTS,
    "too_late": HTTPStatus.CONFLICT,
}
_ASK: tuple[PressedButton, ...] = ("list", "all")
_WITHOUT_NAME = KnownLink("")


class LinkPages:
    """The two handlers, and the limits that they share."""

    def __init__(self, lifecycle: Lifecycle[Runtime]) -> None:
        self._lifecycle = lifecycle
        self._body_deadlines = Deadlines(BODY_SECONDS)
        self._addresses = RateLimit(ADDRESS_PER_SECOND, ADDRESS_AT_ONCE)
        self._unknown = RateLimit(UNKNOWN_PER_SECOND, UNKNOWN_AT_ONCE)
        self._unknown_clicks = RateLimit(UNKNOWN_CLICKS_PER_SECOND, UNKNOWN_CLICKS_AT_ONCE)
        self._undos = RateLimit(UNDOS_PER_SECOND, UNDOS_AT_ONCE)

    async def show(self, request: Request) -> Response:
        """Answer a GET or HEAD, by whoever or whatever: nothing changes."""
        if not self._may_ask(request):
            return _response(request, "too_many")
        token = request.path_params["token"]
        try:
            link = await self._find(token)
        except TransientError:
            return _response(request, "ask", None, _ASK)
        return self.unknown(request) if link is None else _state(request, link)

    async def press(self, request: Request) -> Response:
        """Answer a POST: 2xx only after Kafka has what was pressed."""
        token = request.path_params["token"]
        if not self._may_ask(request):
            return _response(request, "too_many")
        choice = await choice_of(request, self._body_deadlines)
        if choice is None or not is_token(token):
            return _response(request, "unknown", status=HTTPStatus.BAD_REQUEST if is_token(token) else None)
        try:
            return await (self._undo(request, token) if choice == "undo" else self._opt_out(request, token, choice))
        except TransientError as error:
            log.warning("a click was not confirmed: %s", error)
            return _response(request, "unavailable", None, (choice,))

    def unknown(self, request: Request) -> Response:
        """Answer with the page that says how to opt out by reply; with a limit on all such answers."""
        return _response(request, "unknown" if self._unknown.allows() else "too_many")

    async def _opt_out(self, request: Request, token: str, choice: PressedButton) -> Response:
        try:
            link = await self._find(token)
        except TransientError:
            link = _WITHOUT_NAME
        if link is None and not self._unknown_clicks.allows():
            return _response(request, "too_many")
        # Also a link that is not known: it may be so new that the pipeline has not read of its message yet.
        await self._running.clicks.publish(
            confirmed(token, all_lists=choice == "all"), None if link is None else link.phone
        )
        if link is None:
            return _response(request, "unknown")
        kind: PageKind = "out_of_all" if choice == "all" or link.is_out_of_all else "out"
        return _response(request, kind, link.account_name, _after(kind, may_undo=not link.is_out or link.may_undo))

    async def _undo(self, request: Request, token: str) -> Response:
        link = await self._find(token)
        if link is None:
            return self.unknown(request)
        if link.is_out and not link.may_undo:
            return _response(request, "too_late", link.account_name)
        if not self._undos.allows(token):
            return _response(request, "too_many")
        await self._running.clicks.publish(undone(token), link.phone)
        return _response(request, "undone", link.account_name)

    async def _find(self, token: str) -> KnownLink | None:
        return await self._running.links.find(token) if is_token(token) else None

    @property
    def _running(self) -> Runtime:
        if self._lifecycle.runtime is None:
            raise TransientError("the service has not started")
        return self._lifecycle.runtime

    def _may_ask(self, request: Request) -> bool:
        return self._addresses.allows(request.client.host if request.client else "")


def _state(request: Request, link: KnownLink) -> Response:
    if not link.is_out:
        return _response(request, "ask", link.account_name, _ASK)
    kind: PageKind = "out_of_all" if link.is_out_of_all else "out"
    return _response(request, kind, link.account_name, _after(kind, may_undo=link.may_undo))


def _after(kind: PageKind, *, may_undo: bool) -> tuple[PressedButton, ...]:
    """Return the buttons of a page for a recipient who is opted out."""
    more: tuple[PressedButton, ...] = () if kind == "out_of_all" else ("all",)
    return (*more, "undo") if may_undo else more


def _response(
    request: Request,
    kind: PageKind,
    account_name: str | None = None,
    choices: tuple[PressedButton, ...] = (),
    status: HTTPStatus | None = None,
) -> Response:
    metrics.LINK_PAGES.labels(request.method if request.method == "POST" else "GET", kind).inc()
    language = language_of(request.headers.get("Accept-Language", ""))
    code = status or _STATUS.get(kind, HTTPStatus.OK)
    headers = {**HEADERS, "Content-Language": language}
    if code in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return Response(page(kind, language, account_name or None, choices), code, headers, "text/html")
