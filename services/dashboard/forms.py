"""A limit on the bodies of requests, before anything of them is read into memory."""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.dashboard.limits import FORM_BYTES, UPLOAD_BYTES

_UPLOADS = "/import"
_DIGITS = 15


class FormLimit:
    """A layer around the application that refuses bodies which are larger than a form, or a file, may be."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = UPLOAD_BYTES if scope["path"].endswith(_UPLOADS) else FORM_BYTES
        declared = dict(scope["headers"]).get(b"content-length", b"0")[:_DIGITS]
        if declared.isdigit() and int(declared) > limit:
            await _too_large(limit)(scope, receive, send)
            return
        await self._app(scope, _limited(receive, limit), send)


def _limited(receive: Receive, limit: int) -> Receive:
    """Return a reader that ends, as if the client had gone, where a body without a length is too large."""
    read = 0

    async def limited() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        return {"type": "http.disconnect"} if read > limit else message

    return limited


def _too_large(limit: int) -> PlainTextResponse:
    text = f"This is larger than {limit // 1024} kB, which is the limit here. Go back and send less at a time."
    return PlainTextResponse(text, 413, {"Connection": "close"})
