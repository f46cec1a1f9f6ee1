"""Files of the API that a page hands on, piece by piece: none is ever held as a whole."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from starlette.responses import Response, StreamingResponse

from services.dashboard.api import Parameters, SessionApi


async def download(api: SessionApi, path: str, params: Parameters | None = None) -> Response:
    """Return the file. Raises as `SessionApi` before any of it was sent; one that breaks off breaks off here, too."""
    stack = AsyncExitStack()
    file = await stack.enter_async_context(api.file(path, params))

    async def chunks() -> AsyncIterator[bytes]:
        async with stack:
            async for chunk in file.chunks:
                yield chunk

    headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
    if file.disposition:
        headers["Content-Disposition"] = file.disposition
    return StreamingResponse(chunks(), media_type=file.media_type, headers=headers)
