"""Limits on the bodies of requests, before anything of them is read into memory: of strangers, forms and files."""

import asyncio
from contextlib import AbstractContextManager, nullcontext

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.dashboard.api import ApiUnavailableError, RefusedByApiError, SignedOutError
from services.dashboard.limits import FORM_BYTES, STRANGERS_FORM_BYTES, UPLOAD_BYTES, UPLOAD_SECONDS
from services.dashboard.refusals import PageError, SignInNeededError
from services.dashboard.runtime import Runtime
from services.dashboard.visit import READING, identified
from shared.http import runtime_of

_UPLOADS = "/import"
_DIGITS = 15


class FormLimit:
    """A layer around the application that refuses bodies which are larger than a form, or a file, may be.

    FastAPI reads forms before it asks who sends them; so it is asked here, and strangers may send little.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in READING:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        runtime: Runtime = runtime_of(request)
        account_id = await _account_of(request, runtime)
        is_upload = account_id is not None and scope["path"].endswith(_UPLOADS)
        limit = STRANGERS_FORM_BYTES if account_id is None else UPLOAD_BYTES if is_upload else FORM_BYTES
        if _declared_bytes(request) > limit:
            await _too_large(limit, is_known=account_id is not None)(scope, receive, send)
            return
        try:
            counted = _upload(runtime, account_id) if is_upload and account_id is not None else nullcontext()
        except PageError as error:
            text = f"{error.title}. {error.text}"
            await PlainTextResponse(text, error.status, {"Connection": "close"})(scope, receive, send)
            return
        with counted:
            await self._app(scope, _limited(receive, limit), send)


async def _account_of(request: Request, runtime: Runtime) -> str | None:
    """Return whose session it is; None: nobody's, or nobody can say."""
    try:
        return (await identified(request, runtime)).user.account_id
    except (SignInNeededError, SignedOutError, RefusedByApiError, ApiUnavailableError):
        return None


def _upload(runtime: Runtime, account_id: str) -> AbstractContextManager[None]:
    runtime.uploads.check(account_id)
    return runtime.uploads.counted(account_id)


def _declared_bytes(request: Request) -> int:
    declared = request.headers.get("Content-Length", "0")[:_DIGITS]
    return int(declared) if declared.isascii() and declared.isdecimal() else 0


def _limited(receive: Receive, limit: int) -> Receive:
    """Return a reader that ends, as if the client had gone, where a body is too large, or takes too long."""
    read = 0
    until = asyncio.get_running_loop().time() + UPLOAD_SECONDS

    async def limited() -> Message:
        nonlocal read
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        read += len(message.get("body", b""))
        return {"type": "http.disconnect"} if read > limit else message

    return limited


def _too_large(limit: int, *, is_known: bool) -> PlainTextResponse:
    text = f"This is larger than {limit // 1024} kB, which is the limit here. Go back and send less at a time."
    if not is_known:
        text = "Your session has ended, or the API does not say whose it is. Sign in, and send this again."
    return PlainTextResponse(text, 413, {"Connection": "close"})
