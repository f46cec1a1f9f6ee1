"""The gateway: posts replies and receipts late, more than once, or again until they are accepted."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Literal

import aiohttp

from harness.sandbox.clicksend_forms import Form
from harness.sandbox.clock import now_microseconds, shown
from harness.sandbox.faults import Faults
from harness.sandbox.journal import Journal
from harness.sandbox.limits import (
    MAX_PENDING_WEBHOOKS,
    MAX_POSTS_IN_FLIGHT,
    MAX_WEBHOOK_ANSWER_BYTES,
    MAX_WEBHOOK_BACKOFF_SECONDS,
    WEBHOOK_ATTEMPT_SECONDS,
)
from harness.sandbox.refusals import TooManyWebhooksError

_log = logging.getLogger(__name__)
_ACCEPTED = range(200, 300)
_STOP_SECONDS = 2.0

Kind = Literal["reply", "receipt"]


@dataclass(frozen=True, slots=True)
class WebhookPost:
    """A webhook that the gateway is to post."""

    kind: Kind
    account_id: str
    url: str
    form: Form


@dataclass(frozen=True, slots=True)
class WebhookAttempt:
    """One attempt to post a webhook. Where no answer came, `status_code` is None and `response` says why."""

    webhook: WebhookPost
    number: int
    started_at: int
    answered_at: int | None
    status_code: int | None
    response: str

    @property
    def accepted(self) -> bool:
        return self.status_code in _ACCEPTED

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.webhook.kind,
            "account_id": self.webhook.account_id,
            "url": self.webhook.url,
            "form": self.webhook.form,
            "attempt": self.number,
            "started_at": shown(self.started_at),
            "answered_at": shown(self.answered_at),
            "status_code": self.status_code,
            "response": self.response,
        }


def backoff_seconds(number: int, first_seconds: float) -> float:
    """Return the pause after attempt `number`; the first is 1."""
    return float(min(first_seconds * 2 ** (number - 1), max(MAX_WEBHOOK_BACKOFF_SECONDS, first_seconds)))


class Gateway:
    """A gateway that posts webhooks; `attempts` are in the order in which they ended. Call `start` and `close`."""

    def __init__(self, max_attempts: int) -> None:
        self.attempts: Journal[WebhookAttempt] = Journal(max_attempts)
        self._pending: set[asyncio.Task[None]] = set()
        self._free = {kind: asyncio.Semaphore(MAX_POSTS_IN_FLIGHT) for kind in ("reply", "receipt")}
        self._http: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=WEBHOOK_ATTEMPT_SECONDS),
            connector=aiohttp.TCPConnector(limit=2 * MAX_POSTS_IN_FLIGHT),
        )

    async def close(self) -> None:
        for task in self._pending:
            task.cancel()
        if self._pending:
            await asyncio.wait(self._pending, timeout=_STOP_SECONDS)
        if self._http is not None:
            await self._http.close()

    def post(self, webhook: WebhookPost, faults: Faults) -> asyncio.Future[WebhookAttempt]:
        """Start to post the webhook, with the `faults` that are on; the future returns the first attempt.

        Raises:
            TooManyWebhooksError: the limit of pending webhooks is reached.
        """
        copies = 1 + faults.duplicate_webhooks
        if len(self._pending) + copies > MAX_PENDING_WEBHOOKS:
            raise TooManyWebhooksError(len(self._pending))
        first: asyncio.Future[WebhookAttempt] = asyncio.get_running_loop().create_future()
        for _ in range(copies):
            self._begin(self._until_accepted(webhook, faults, first))
        return first

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _until_accepted(
        self, webhook: WebhookPost, faults: Faults, first: asyncio.Future[WebhookAttempt]
    ) -> None:
        await asyncio.sleep(faults.late_webhooks_seconds)
        for number in range(1, faults.webhook_retries + 2):
            attempt = await self._attempt(webhook, number)
            self.attempts.add(attempt)
            if not first.done():
                first.set_result(attempt)
            if attempt.accepted:
                return
            if number <= faults.webhook_retries:
                await asyncio.sleep(backoff_seconds(number, faults.webhook_backoff_seconds))
        _log.warning("gave up on a %s of account %s", webhook.kind, webhook.account_id)

    async def _attempt(self, webhook: WebhookPost, number: int) -> WebhookAttempt:
        if self._http is None:
            raise RuntimeError("the gateway was not started")
        async with self._free[webhook.kind]:
            started_at = now_microseconds()
            try:
                async with self._http.post(webhook.url, data=webhook.form, allow_redirects=False) as answer:
                    text = await answer.content.read(MAX_WEBHOOK_ANSWER_BYTES)
                    answered_at = now_microseconds()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                return WebhookAttempt(webhook, number, started_at, None, None, f"{type(error).__name__}: {error}")
        return WebhookAttempt(webhook, number, started_at, answered_at, answer.status, text.decode(errors="replace"))
