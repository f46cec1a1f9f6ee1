"""Requests to addresses outside: for the certificates that gateways sign with, and to confirm a subscription.

An adapter has checked each address against what its gateway's may be: nothing here comes from a webhook unchecked. No
redirect is followed, since it could lead anywhere.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import aiohttp

from services.inbound import metrics
from services.inbound.limits import (
    MAX_CERTIFICATE_BYTES,
    MAX_CERTIFICATES_KEPT,
    MAX_FETCHES_AT_ONCE,
    OUTSIDE_SECONDS,
    REFUSAL_KEPT_SECONDS,
)
from shared.errors import TransientError

log = logging.getLogger(__name__)
_OK = 200
_BEGINNING = b"-----BEGIN CERTIFICATE-----"
_NOTHING_THERE = frozenset((403, 404, 410))
"""Any other status may pass: the gateway is to post again."""


class OutsideResponse(NamedTuple):
    """A response: its status, and no more of its body than a certificate may have."""

    status: int
    body: bytes


Get = Callable[[str], Awaitable[OutsideResponse]]


async def get(address: str) -> OutsideResponse:
    """Make one GET request.

    Raises:
        TransientError: there was no response, or it was too long.
    """
    try:
        async with (
            aiohttp.ClientSession(trust_env=True, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(address, allow_redirects=False) as response,
        ):
            return OutsideResponse(response.status, await _limited(response.content))
    except aiohttp.ClientError as error:
        log.warning("no response from %s: %r", address.partition("?")[0], error)
        raise TransientError(f"no response from {address.partition('?')[0]}: {error!r}") from error


async def _limited(content: aiohttp.StreamReader) -> bytes:
    body = b""
    while part := await content.readany():
        body += part
        if len(body) > MAX_CERTIFICATE_BYTES:
            raise TransientError(f"a response has more than {MAX_CERTIFICATE_BYTES} bytes")
    return body


class Kept(NamedTuple):
    """A certificate, or that there is none, until a time of the monotonic clock."""

    certificate: bytes | None
    until: float


class Outside:
    """The service's requests to addresses outside, few at once, and the certificates that came.

    Args:
        get: makes a request; each has a deadline here.
        clock: in seconds, and never set back.
    """

    def __init__(self, get: Get = get, clock: Callable[[], float] = time.monotonic) -> None:
        self._get = get
        self._clock = clock
        self._room = asyncio.Semaphore(MAX_FETCHES_AT_ONCE)
        self._kept: dict[str, Kept] = {}

    async def certificate(self, address: str) -> bytes | None:
        """Return the certificate at `address`, from memory where it is there; None where there is none.

        Raises:
            TransientError: it cannot be fetched now.
        """
        if kept := self._kept_at(address):
            return kept.certificate
        try:
            async with asyncio.timeout(OUTSIDE_SECONDS), self._room:
                if kept := self._kept_at(address):
                    return kept.certificate
                return self._keep(address, await self._get(address))
        except TimeoutError:
            raise TransientError(f"{address} did not respond within {OUTSIDE_SECONDS} s") from None

    async def visit(self, address: str) -> None:
        """Visit an address that confirms a subscription.

        Raises:
            TransientError: the response was not 200.
        """
        try:
            async with asyncio.timeout(OUTSIDE_SECONDS), self._room:
                response = await self._get(address)
        except TimeoutError:
            raise TransientError(f"an address was not visited within {OUTSIDE_SECONDS} s") from None
        metrics.OUTSIDE_REQUESTS.labels("confirmation", _outcome(response)).inc()
        if response.status != _OK:
            log.warning("the confirmation of a subscription was answered %d", response.status)
            raise TransientError(f"the confirmation of a subscription was answered {response.status}")

    def _kept_at(self, address: str) -> Kept | None:
        kept = self._kept.get(address)
        return kept if kept and self._clock() < kept.until else None

    def _keep(self, address: str, response: OutsideResponse) -> bytes | None:
        metrics.OUTSIDE_REQUESTS.labels("certificate", _outcome(response)).inc()
        log.log(logging.INFO if response.status == _OK else logging.WARNING, "%s answered %d", address, response.status)
        if response.status != _OK and response.status not in _NOTHING_THERE:
            raise TransientError(f"{address} answered {response.status}")
        certificate = response.body if response.status == _OK and _BEGINNING in response.body else None
        self._kept.pop(address, None)
        while len(self._kept) >= MAX_CERTIFICATES_KEPT:
            # A forged post may name any address: what has no certificate takes no place of what has one.
            empty = (name for name, kept in self._kept.items() if kept.certificate is None)
            del self._kept[next(empty, next(iter(self._kept)))]
        until = float("inf") if certificate else self._clock() + REFUSAL_KEPT_SECONDS
        self._kept[address] = Kept(certificate, until)
        return certificate


def _outcome(response: OutsideResponse) -> str:
    return "ok" if response.status == _OK else "refused"
