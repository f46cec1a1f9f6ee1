"""Handling of one gateway webhook, from the request to the response."""

import logging
import re
from datetime import UTC, datetime
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from services.inbound import metrics, responses
from services.inbound.deadlines import Deadlines
from services.inbound.gateways.reported import GatewayRequest, Reported, UnverifiedError, read_event
from services.inbound.limits import DRAIN_BYTES, MAX_REQUEST_BYTES, READ_SECONDS
from services.inbound.publish import Publisher, event_records, parked_record
from services.inbound.responses import (
    BodyTooLargeError,
    IncompleteRequestError,
    NothingSaidError,
    TooSlowError,
    WebhookError,
    WebhookResponse,
)
from services.inbound.runtime import Runtime
from services.inbound.settings import InboundSettings
from shared.errors import TransientError
from shared.http import Lifecycle
from shared.webhook_secrets import matching_key

log = logging.getLogger(__name__)
_ACCOUNT_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class WebhookHandler:
    """An ASGI application that handles one kind of webhook of one gateway.

    Args:
        settings: of the service.
        lifecycle: of the service, whose running parts publish; until it has started, webhooks are answered 503.
        kind: `message` or `receipt`.
        reported: the gateway's model of such webhooks.
    """

    def __init__(self, settings: InboundSettings, lifecycle: Lifecycle[Runtime], kind: str, reported: Reported) -> None:
        self._webhook_keys = settings.webhook_keys
        self._partitions = settings.partitions
        self._lifecycle = lifecycle
        self._read_deadlines = Deadlines(READ_SECONDS)
        self.kind = kind
        self.reported = reported

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond 2xx only after Kafka has the event, and refuse what it says only after Kafka has the bytes."""
        try:
            outcome, response = await self._respond(scope, receive)
        except TransientError:
            outcome, response = "unavailable", responses.UNAVAILABLE
        except IncompleteRequestError as error:
            outcome, response = error.reason, error.response
        except UnverifiedError as error:
            outcome, response = "unauthorised", responses.unverified(error.status_code)
        metrics.WEBHOOKS.labels(self.reported.gateway, self.kind, outcome).inc()
        await response.send(send)

    async def _respond(self, scope: Scope, receive: Receive) -> tuple[str, WebhookResponse]:
        account_id: str = scope["path_params"]["account"]
        if not self._is_authorised(account_id, scope["path_params"]["secret"]):
            return "unauthorised", responses.NOT_FOUND
        request = await self._request(scope, receive)
        self.reported.verify(request, account_id)
        content_type, body = self.reported.content(request)
        now = datetime.now(UTC)
        try:
            event = read_event(self.reported, account_id, content_type, body, now)
        except WebhookError as error:
            await self._park(account_id, content_type, body, error, now)
            return "refused", responses.refused(error)
        for record in event_records(event, self._partitions):
            await self._publisher.publish(record)
        return "accepted", responses.accepted(event.event_id)

    @property
    def _publisher(self) -> Publisher:
        runtime = self._lifecycle.runtime
        if runtime is None:
            raise TransientError("the service has not started")
        return runtime.publisher

    async def _request(self, scope: Scope, receive: Receive) -> GatewayRequest:
        method, query = scope["method"], scope["query_string"]
        if method == "GET" and not query:
            raise NothingSaidError
        body = b"" if method == "GET" else await read_body(receive, self._read_deadlines)
        path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
        return GatewayRequest(method, scope["scheme"], path, Headers(raw=scope["headers"]), query, body)

    def _is_authorised(self, account_id: str, secret: str) -> bool:
        if not _ACCOUNT_ID.fullmatch(account_id):
            return False
        key = matching_key(self._webhook_keys, account_id, secret)
        if key:
            metrics.PREVIOUS_KEY.inc()
        return key is not None

    async def _park(self, account_id: str, content_type: str, body: bytes, error: WebhookError, now: datetime) -> None:
        record = parked_record(
            account_id=account_id,
            gateway=self.reported.gateway,
            kind=self.kind,
            content_type=content_type,
            body=body,
            error=error,
            now=now,
        )
        await self._publisher.publish(record)
        log.warning("a webhook of account %s was refused and parked: %s", account_id, error.reason)


async def read_body(receive: Receive, deadlines: Deadlines) -> bytes:
    """Return the whole body, up to a limit of bytes and time, whatever its Content-Length says.

    Raises:
        BodyTooLargeError: some of what remained was read, so that the client gets to read the response.
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
