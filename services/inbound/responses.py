"""The HTTP responses to gateways, and the errors that lead to them.

None of their text is meant for a phone; a gateway must not forward it.
"""

import json
from collections.abc import Sequence
from typing import ClassVar, NamedTuple
from uuid import UUID

from starlette.types import Send

from services.inbound.limits import READ_SECONDS, RETRY_AFTER_SECONDS
from shared.errors import PoisonError

_RawHeaders = list[tuple[bytes, bytes]]
_JSON = (b"content-type", b"application/json")
_XML = (b"content-type", b"text/xml")
_NOT_KEPT = (b"cache-control", b"no-store")
"""Otherwise a cache could respond to a GET itself, and the message would be lost."""
_CLOSE: _RawHeaders = [(b"connection", b"close")]


class WebhookResponse(NamedTuple):
    """An HTTP response with a JSON body."""

    status: int
    body: bytes
    headers: _RawHeaders
    content_type: tuple[bytes, bytes] = _JSON

    async def send(self, send: Send) -> None:
        headers = [self.content_type, _NOT_KEPT, (b"content-length", b"%d" % len(self.body)), *self.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class WebhookError(PoisonError):
    """A webhook that can never be accepted: it is parked, and the gateway gets the reason.

    `reason` is a stable code, `field` the field to look at (None: the body as a whole), `detail` says what to do.
    """

    def __init__(self, reason: str, detail: str, *, field: str | None = None, status_code: int = 422) -> None:
        super().__init__(reason, detail)
        self.field = field
        self.status_code = status_code


def in_xml(response: WebhookResponse) -> WebhookResponse:
    """Return the response for a gateway that reads it as instructions: none, which also says that it was taken."""
    return WebhookResponse(200, b"<Response/>", [], _XML) if response.status == _OK else response


def accepted(event_ids: Sequence[UUID]) -> WebhookResponse:
    """Return the response to a webhook whose events Kafka has."""
    match event_ids:
        case []:
            return _IGNORED
        case [event_id]:
            return WebhookResponse(200, f'{{"status":"accepted","event_id":"{event_id}"}}'.encode(), [])
    body = json.dumps({"status": "accepted", "event_ids": [str(event_id) for event_id in event_ids]})
    return WebhookResponse(200, body.encode(), [])


def refused(error: WebhookError, *, is_repeated: bool = False) -> WebhookResponse:
    """Return the response to a webhook that is parked; 200 to a gateway that would repeat it until it is accepted."""
    status = 200 if is_repeated else error.status_code
    return _error(status, error.reason, error.detail, field=error.field)


def _error(
    status: int, code: str, message: str, headers: _RawHeaders | None = None, *, field: str | None = None
) -> WebhookResponse:
    body = json.dumps({"error": {"code": code, "message": message, "field": field}})
    return WebhookResponse(status, body.encode(), headers or [])


NOT_FOUND = _error(404, "not_found", "there is nothing here; copy the webhook's address from the account's settings")
"""A wrong secret, an unknown account and an unknown path get the same response."""
UNVERIFIED = _error(401, "unverified", "the request is not signed as this gateway signs its requests")
_OK = 200
_IGNORED = WebhookResponse(200, b'{"status":"ignored"}', [])
"""To a webhook that is about no message, such as a gateway's test of the address."""
UNAVAILABLE = _error(
    503,
    "unavailable",
    "not accepted, because it could not be stored; send it again",
    [(b"retry-after", b"%d" % RETRY_AFTER_SECONDS)],
)


class IncompleteRequestError(Exception):
    """A request that is not a whole webhook; `reason` is its outcome in the metrics.

    It belongs to no family of `shared.errors`: the gateway gets the response, and nothing is parked.
    """

    reason: ClassVar[str]
    response: WebhookResponse


class BodyTooLargeError(IncompleteRequestError):
    """A request whose body has more bytes than its gateway may send."""

    reason = "too_large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__()
        self.response = _error(413, "too_large", f"the body has more than {limit_bytes} bytes", _CLOSE)


class TooSlowError(IncompleteRequestError):
    """A request whose body did not come in time, or whose client is gone."""

    reason = "too_slow"
    response = _error(408, "too_slow", f"the body did not come within {READ_SECONDS:.0f} s", _CLOSE)


class NothingSaidError(IncompleteRequestError):
    """A GET without a query: somebody checks whether the address exists."""

    reason = "nothing_said"
    response = _error(
        405, "method_not_allowed", "a GET needs its fields as a query; or POST them", [(b"allow", b"POST")]
    )
