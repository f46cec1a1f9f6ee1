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


class Answer(NamedTuple):
    """A response: its status, and no more of its body than a certificate may have."""

    status: int
    body: bytes


Get = Callable[[str], Awaitable[Answer]]


async def get(address: str) -> Answer:
    """Make one GET request.

    Raises:
        TransientError: there was no response, or it was too long.
    """
    try:
        async with (
            aiohttp.ClientSession(trust_env=True, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(address, allow_redirects=False) as response,
        ):
            return Answer(response.status, await _limited(response.content))
    except aiohttp.ClientError as error:
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
    """

    def __init__(self, get: Get = get) -> None:
        self._get = get
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
            TransientError: it did not answer 2xx.
        """
        try:
            async with asyncio.timeout(OUTSIDE_SECONDS), self._room:
                answer = await self._get(address)
        except TimeoutError:
            raise TransientError(f"an address was not visited within {OUTSIDE_SECONDS} s") from None
        metrics.OUTSIDE_REQUESTS.labels("confirmation", _outcome(answer)).inc()
        if _outcome(answer) != "ok":
            raise TransientError(f"the confirmation of a subscription was answered {answer.status}")

    def _kept_at(self, address: str) -> Kept | None:
        kept = self._kept.get(address)
        return kept if kept and time.monotonic() < kept.until else None

    def _keep(self, address: str, answer: Answer) -> bytes | None:
        metrics.OUTSIDE_REQUESTS.labels("certificate", _outcome(answer)).inc()
        if answer.status >= 500:  # noqa: PLR2004 (an outage)
            raise TransientError(f"{address} answered {answer.status}")
        certificate = answer.body if _outcome(answer) == "ok" else None
        if certificate is None:
            log.warning("there is no certificate at %s: it answered %d", address, answer.status)
        self._kept.pop(address, None)
        while len(self._kept) >= MAX_CERTIFICATES_KEPT:
            del self._kept[next(iter(self._kept))]
        until = float("inf") if certificate else time.monotonic() + REFUSAL_KEPT_SECONDS
        self._kept[address] = Kept(certificate, until)
        return certificate


def _outcome(answer: Answer) -> str:
    return "ok" if answer.status == 200 else "refused"  # noqa: PLR2004 (OK)
