"""Handling of one gateway webhook, from the request to the response."""

import asyncio
import logging
import re
from datetime import UTC, datetime
from urllib.parse import quote

from starlette.types import Receive, Scope, Send

from services.inbound import metrics, responses
from services.inbound.gateways.credentials import check_signed
from services.inbound.gateways.reported import Reported, read_webhook
from services.inbound.gateways.request import GatewayRequest, UnverifiedError
from services.inbound.limits import DRAIN_BYTES, MAX_REQUEST_BYTES, READ_SECONDS
from services.inbound.records import PlacedRecord, parked_record, records_of
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
from shared import tracing
from shared.deadlines import Deadlines
from shared.errors import TransientError
from shared.failpoints import failpoint
from shared.http import Lifecycle
from shared.webhook_secrets import matching_key

log = logging.getLogger(__name__)
_MAX_WARNED = 10_000
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
        self._number_pools = settings.number_pools
        self._webhook_keys = settings.webhook_keys
        self._partitions = settings.partitions
        self._origin = settings.public_inbound_url
        self._credentials = settings.gateway_credentials.get(reported.gateway, {})
        self._accounts_with_credentials = settings.accounts_with_credentials
        self._warned: set[str] = set()
        self._lifecycle = lifecycle
        self._read_deadlines = Deadlines(READ_SECONDS)
        self.kind = kind
        self.reported = reported
        metrics.begin_at_zero(reported.gateway, kind)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond 2xx only after Kafka has the event, and refuse what it says only after Kafka has the bytes."""
        try:
            outcome, response = await self._respond(scope, receive)
        except TransientError:
            outcome, response = "unavailable", responses.UNAVAILABLE
        except IncompleteRequestError as error:
            outcome, response = error.reason, error.response
        except UnverifiedError:
            outcome, response = "unauthorised", responses.UNVERIFIED
        metrics.webhooks(self.reported.gateway, self.kind, outcome).inc()
        if tracing.is_on():
            tracing.name_current(
                f"webhook of {self.reported.gateway}", {"stopline.kind": self.kind, "stopline.outcome": outcome}
            )
        if self.reported.answers_in_xml:
            response = responses.in_xml(response)
        await response.send(send)

    async def _respond(self, scope: Scope, receive: Receive) -> tuple[str, WebhookResponse]:
        account_id: str = scope["path_params"]["account"]
        if not self._is_authorised(account_id, scope["path_params"]["secret"]):
            return "unauthorised", responses.NOT_FOUND
        request = await self._request(scope, receive)
        await self._verify(request, account_id)
        if (address := self.reported.handshake(request)) is not None:
            await self._runtime.outside.visit(address)
            log.info("a subscription of account %s at %s is confirmed", account_id, self.reported.gateway)
        content_type, body = self.reported.content(request)
        read = read_webhook(self.reported, account_id, content_type, body, request.received_at, self._number_pools)
        events = [each for each in read if not isinstance(each, WebhookError)]
        error = next((each for each in read if isinstance(each, WebhookError)), None)
        records = [record for event in events for record in records_of(event, self._partitions)]
        if error is not None:
            records.append(self._parked(account_id, content_type, body, error, request.received_at))
        await self._publish(records)
        if error is not None:
            log.warning("a webhook of account %s was refused and parked: %s", account_id, error.reason)
            return "refused", responses.refused(error, is_repeated=self.reported.repeats_until_accepted)
        return "accepted" if events else "ignored", responses.accepted([event.event_id for event in events])

    async def _verify(self, request: GatewayRequest, account_id: str) -> None:
        credentials = self._credentials.get(account_id)
        if credentials:
            await check_signed(request, credentials)
        elif credentials is None and self._must_be_signed(account_id):
            self._warn_of_missing_credential(account_id)
            raise UnverifiedError

    def _must_be_signed(self, account_id: str) -> bool:
        """Say whether the account needs a credential: the gateway always signs, or another gateway of the account does.

        An account has one secret for all gateways: the other's signature would prove nothing if this one needed none.
        """
        always_signs = self.reported.credential is not None and self.reported.must_be_signed
        return always_signs or account_id in self._accounts_with_credentials

    def _warn_of_missing_credential(self, account_id: str) -> None:
        if account_id not in self._warned and len(self._warned) < _MAX_WARNED:
            self._warned.add(account_id)
            log.error(
                "webhooks of account %s by %s are refused: STOPLINE_GATEWAY_SECRETS has no credential for them, "
                "and does not say that they are unsigned",
                account_id,
                self.reported.gateway,
            )

    async def _publish(self, records: list[PlacedRecord]) -> None:
        """Publish all at once: the time that a webhook may take does not grow with what it has."""
        publisher = self._runtime.publisher
        failpoint("inbound.before_publish")
        if len(records) == 1:
            await publisher.publish(records[0])
        else:
            await asyncio.gather(*map(publisher.publish, records))
        failpoint("inbound.after_publish")

    @property
    def _runtime(self) -> Runtime:
        runtime = self._lifecycle.runtime
        if runtime is None:
            raise TransientError("the service has not started")
        return runtime

    async def _certificate(self, address: str) -> bytes | None:
        return await self._runtime.outside.certificate(address)

    async def _request(self, scope: Scope, receive: Receive) -> GatewayRequest:
        method, query = scope["method"], scope["query_string"]
        if method == "GET" and not query:
            raise NothingSaidError
        body = (
            b"" if method == "GET" else await read_body(receive, self._read_deadlines, self.reported.max_request_bytes)
        )
        path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
        # Reversed: of a header that is repeated the first counts. ASGI has the names in lower case.
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
        origin = self._origin or f"{scope['scheme']}://{headers.get('host', '')}"
        return GatewayRequest(method, origin, path, headers, query, body, datetime.now(UTC), self._certificate)

    def _is_authorised(self, account_id: str, secret: str) -> bool:
        if not _ACCOUNT_ID.fullmatch(account_id):
            return False
        key = matching_key(self._webhook_keys, account_id, secret)
        if key:
            metrics.PREVIOUS_KEY.inc()
        return key is not None

    def _parked(
        self, account_id: str, content_type: str, body: bytes, error: WebhookError, now: datetime
    ) -> PlacedRecord:
        return parked_record(
            account_id=account_id,
            gateway=self.reported.gateway,
            kind=self.kind,
            content_type=content_type,
            body=body,
            error=error,
            now=now,
        )


async def read_body(receive: Receive, deadlines: Deadlines, limit_bytes: int = MAX_REQUEST_BYTES) -> bytes:
    """Return the whole body, up to a limit of bytes and time, whatever its Content-Length says.

    Raises:
        BodyTooLargeError: some of what remained was read, so that the client gets to read the response.
        TooSlowError: it did not come.
    """
    try:
        with deadlines.new():
            return await _read(receive, limit_bytes)
    except TimeoutError:
        raise TooSlowError from None


async def _read(receive: Receive, limit_bytes: int) -> bytes:
    body, more = await _part(receive)
    while more and len(body) <= limit_bytes:
        part, more = await _part(receive)
        body += part
    if len(body) <= limit_bytes:
        return body
    drained = len(body)
    while more and drained < DRAIN_BYTES:
        part, more = await _part(receive)
        drained += len(part)
    raise BodyTooLargeError(limit_bytes)


async def _part(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise TooSlowError
    return message.get("body", b""), message.get("more_body", False)
