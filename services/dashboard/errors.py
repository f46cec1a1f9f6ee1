"""Errors as pages: what happened and what to do, in the page's own frame, or in its place where htmx asks."""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import htpy as h
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.dashboard.api import ApiUnavailableError, RefusedByApiError, SignedOutError
from services.dashboard.components.notice import notice
from services.dashboard.headers import ALWAYS
from services.dashboard.layout import plain_page, whole_page
from services.dashboard.refusals import PageError, SignInNeededError, not_found
from services.dashboard.visit import READING, count_page, is_partial, shown_page, sign_in_path, visit_of

log = logging.getLogger(__name__)

_UNAVAILABLE = "The API does not answer. Nothing that you see is lost; try again in a moment."
_BUG = "This should not have happened, and it is in the log. Try again; if it stays, show the time to your operator."


def add_error_pages(app: FastAPI) -> None:
    """Have every error answered by a page."""
    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        PageError: _page_error,
        RefusedByApiError: _refused,
        ApiUnavailableError: _unavailable,
        SignedOutError: _sign_in,
        SignInNeededError: _sign_in,
        RequestValidationError: _invalid,
        HTTPException: _http,
        ClientDisconnect: _gone,
        Exception: _bug,
    }
    for error_type, handler in handlers.items():
        app.add_exception_handler(error_type, handler)


def error_page(request: Request, error: PageError) -> Response:
    """Return the page of an error, with the navigation of whoever is signed in."""
    count_page(request, error.status)
    if is_partial(request):
        return HTMLResponse(str(notice("bad", h.strong[error.title], h.br, error.text)), error.status)
    content = h.article(".narrow")[h.h1[error.title], h.p[error.text], h.p[_ways_on(request)]]
    visit = visit_of(request)
    if visit is None:
        return HTMLResponse(str(plain_page(error.title, content)), error.status)
    page = whole_page(error.title, request.url.path, visit.user, visit.csrf, content)
    return HTMLResponse(str(page), error.status)


def _ways_on(request: Request) -> h.Node:
    again = h.a(href=shown_page(request))["Try again"] if request.method in READING else None
    return [h.a(href="/")["To the overview"], [" · ", again] if again else None]


async def _page_error(request: Request, error: Exception) -> Response:
    return error_page(request, error if isinstance(error, PageError) else not_found())


async def _refused(request: Request, error: Exception) -> Response:
    """Show the API's own words: they say what to do."""
    status = error.status if isinstance(error, RefusedByApiError) else HTTPStatus.BAD_GATEWAY
    title = "This was not found" if status == HTTPStatus.NOT_FOUND else "The API refused this"
    return error_page(request, PageError(status, title, str(error)))


async def _unavailable(request: Request, error: Exception) -> Response:
    log.warning("a page could not be shown: %s", error)
    return error_page(request, PageError(HTTPStatus.SERVICE_UNAVAILABLE, "Stopline does not answer", _UNAVAILABLE))


async def _sign_in(request: Request, _: Exception) -> Response:
    path = sign_in_path(request)
    if is_partial(request):
        return Response(status_code=204, headers={"HX-Redirect": path})
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)


async def _invalid(request: Request, error: Exception) -> Response:
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {"loc": ("",), "msg": ""}
    text = f"{first['loc'][-1]}: {first['msg']}. Nothing was changed; go back and correct it."
    return error_page(request, PageError(HTTPStatus.UNPROCESSABLE_ENTITY, "Something is filled in wrong", text))


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
    if status == HTTPStatus.NOT_FOUND:
        return error_page(request, not_found())
    return error_page(request, PageError(status, HTTPStatus(status).phrase, "Choose a page from the menu."))


async def _gone(request: Request, _: Exception) -> Response:
    """Answer a request whose body broke off, or was larger than it may be; whoever sent it may be gone."""
    text = "Nothing was changed. Go back and send it again; if it is large, send less at a time."
    return error_page(request, PageError(HTTPStatus.BAD_REQUEST, "This did not arrive as a whole", text))


async def _bug(request: Request, error: Exception) -> Response:
    """Answer outside of all layers, so that the headers have to be added here."""
    log.error("a page failed: %r", error, exc_info=error)
    response = error_page(request, PageError(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong", _BUG))
    response.headers.update({**ALWAYS, "Cache-Control": "no-store"})
    return response
