"""Signing in with a user's name and API key, and signing out, which ends the session at the API, too."""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

import htpy as h
from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.dashboard import metrics
from services.dashboard.api import RefusedByApiError, SessionApi, SignedOutError, sign_in
from services.dashboard.components.field import field
from services.dashboard.components.notice import notice
from services.dashboard.csrf import FIELD, check_csrf, csrf_token
from services.dashboard.layout import plain_page
from services.dashboard.places import safe_path
from services.dashboard.runtime import DashboardRuntime, Runtime
from services.dashboard.session import operator_cookie
from services.dashboard.visit import client_address

routes = APIRouter()

_FORM_SECONDS = 60 * 60
_MAX_CHARACTERS = 200
_MAX_PATH = 2_000
_WRONG = "The name or the API key is wrong. Check both; an API key is shown only once, when it is made."
_TOO_MANY = 429
_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class SignInForm:
    """The form as it is shown: with what was typed, but the key, and with what is wrong."""

    next_path: str
    user: str = ""
    problem: str = ""
    status: int = 200


@routes.get("/sign-in")
async def show_sign_in(request: Request, runtime: DashboardRuntime, next: str = "") -> Response:  # noqa: A002 (its name in the address)
    return _shown(request, runtime, SignInForm(next))


@routes.post("/sign-in")
async def send_sign_in(
    request: Request,
    runtime: DashboardRuntime,
    user: Annotated[str, Form(max_length=_MAX_CHARACTERS)] = "",
    api_key: Annotated[str, Form(max_length=_MAX_CHARACTERS)] = "",
    next: Annotated[str, Form(max_length=_MAX_PATH)] = "",  # noqa: A002 (as above)
) -> Response:
    """Open a session at the API; every failure shows the form again, which says what to do."""
    await check_csrf(request, runtime.sign_in_cookie.read(request) or secrets.token_hex())
    wait = runtime.attempts.wait_seconds(client_address(request))
    if wait:
        metrics.SIGN_INS.labels("slowed_down").inc()
        problem = f"Too many wrong attempts came from here. Try again in {wait} s."
        return _shown(request, runtime, SignInForm(next, user, problem, _TOO_MANY))
    token, problem = await _sign_in(request, runtime, user.strip(), api_key.strip())
    if not token:
        return _shown(request, runtime, SignInForm(next, user, problem, _UNAUTHORIZED))
    response = RedirectResponse(safe_path(next), 303)
    runtime.session_cookie.write(request, response, token)
    runtime.sign_in_cookie.remove(request, response)
    operator_cookie(runtime.settings.is_https).remove(request, response)  # of whoever used this browser before
    return response


@routes.post("/sign-out")
async def send_sign_out(request: Request, runtime: DashboardRuntime) -> Response:
    """End the session; where the API does not answer, nobody is signed out."""
    token = runtime.session_cookie.read(request)
    response = RedirectResponse("/sign-in", 303)
    if token is not None:
        await check_csrf(request, token)
        with suppress(SignedOutError):  # it had ended before
            await SessionApi(runtime.api, token, client_address(request)).delete("/v1/session")
        runtime.users.forget(token)
        runtime.session_cookie.remove(request, response)
        operator_cookie(runtime.settings.is_https).remove(request, response)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


async def _sign_in(request: Request, runtime: Runtime, user: str, api_key: str) -> tuple[str, str]:
    """Return the token of the new session, or nothing and what is wrong."""
    address = client_address(request)
    try:
        session = await sign_in(runtime.api, user, api_key, address)
    except SignedOutError:
        metrics.SIGN_INS.labels("wrong").inc()
        runtime.attempts.wrong(address)
        return "", _WRONG
    except RefusedByApiError as error:
        metrics.SIGN_INS.labels("slowed_down" if error.status == _TOO_MANY else "refused").inc()
        return "", f"The API refused: {error.message}"
    metrics.SIGN_INS.labels("signed_in").inc()
    return session["token"], ""


def _shown(request: Request, runtime: Runtime, form: SignInForm) -> Response:
    secret = runtime.sign_in_cookie.read(request) or secrets.token_hex()
    content = h.article(".narrow")[
        h.h1["Sign in"],
        notice("bad", form.problem) if form.problem else None,
        h.form(method="post", action="/sign-in")[
            h.input(type="hidden", name=FIELD, value=csrf_token(secret)),
            h.input(type="hidden", name="next", value=form.next_path),
            field("Account id or user name", "user", value=form.user, required=True, autocomplete="username"),
            field("API key", "api_key", kind="password", required=True, autocomplete="current-password"),
            h.button(type="submit")["Sign in"],
        ],
        h.p(".hint")["Every user of the account's API can sign in here, with the same name and key."],
    ]
    response = HTMLResponse(str(plain_page("Sign in", content)), form.status)
    runtime.sign_in_cookie.write(request, response, secret, _FORM_SECONDS)
    return response
