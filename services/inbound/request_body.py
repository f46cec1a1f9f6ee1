"""The body of a request, up to a limit of bytes and time, whatever its Content-Length says."""

from starlette.types import Receive

from services.inbound.deadlines import Deadlines
from services.inbound.limits import DRAIN_BYTES, MAX_REQUEST_BYTES


class BodyTooLargeError(Exception):
    """The body has more than `MAX_REQUEST_BYTES`."""


class TooSlowError(Exception):
    """The body did not come in time, or its sender is gone."""


async def read_body(receive: Receive, deadlines: Deadlines) -> bytes:
    """Return the whole body.

    Raises:
        BodyTooLargeError: some of what remained was read, so that the sender gets to read the answer.
        TooSlowError: it did not come.
    """
    try:
        with deadlines.new():
            return await _read(receive)
    except TimeoutError:
        raise TooSlowError from None


async def _read(receive: Receive) -> bytes:
    body, more = await _part(receive)
    while more and len(body) <= MAX_REQUEST_BYTES:
        part, more = await _part(receive)
        body += part
    if len(body) <= MAX_REQUEST_BYTES:
        return body
    drained = len(body)
    while more and drained < DRAIN_BYTES:
        part, more = await _part(receive)
        drained += len(part)
    raise BodyTooLargeError


async def _part(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise TooSlowError
    return message.get("body", b""), message.get("more_body", False)
