"""Files of the API that a page hands on, piece by piece: none is ever held as a whole."""

from contextlib import AsyncExitStack

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from services.dashboard.api import Parameters
from services.dashboard.runtime import Runtime
from services.dashboard.visit import PageVisit


class _Download(StreamingResponse):
    """A file, with what has to be closed once it was sent, or its reader has gone, even before its beginning."""

    closes: AsyncExitStack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self.closes:
            await super().__call__(scope, receive, send)


async def download(visit: PageVisit, runtime: Runtime, path: str, params: Parameters | None = None) -> Response:
    """Return the file. Raises as `SessionApi` before any of it was sent; one that breaks off breaks off here, too.

    Raises:
        PageError: 503, too many are being downloaded.
    """
    runtime.downloads.check(visit.user.account_id)
    async with AsyncExitStack() as stack:
        stack.enter_context(runtime.downloads.counted(visit.user.account_id))
        file = await stack.enter_async_context(visit.api.file(path, params))
        headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
        if file.disposition:
            headers["Content-Disposition"] = file.disposition
        response = _Download(file.chunks, media_type=file.media_type, headers=headers)
        response.closes = stack.pop_all()
    return response
