"""The phones' interface: read what a phone received, and reply from it."""

import asyncio
from typing import Any
from uuid import uuid4

from aiohttp import web

from harness.sandbox.clock import now_microseconds, shown
from harness.sandbox.gateway import WebhookAttempt, WebhookPost
from harness.sandbox.json_http import number, read, wait_of
from harness.sandbox.limits import MAX_PAGE, WEBHOOK_ATTEMPT_SECONDS
from harness.sandbox.refusals import RequestRefusedError
from harness.sandbox.replies import Reply, ReplyRequest, compose
from harness.sandbox.sandbox_state import SandboxState
from shared.phones import E164

_OVERVIEW_PHONES = 1000
_FIRST_ATTEMPT_SECONDS = 2 * WEBHOOK_ATTEMPT_SECONDS  # it may have to wait for its turn


class PhoneRoutes:
    """The handlers of `/phones` and below."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    async def overview(self, request: web.Request) -> web.Response:
        return web.json_response(self._state.phones.overview(int(number(request, "limit", _OVERVIEW_PHONES, MAX_PAGE))))

    async def messages(self, request: web.Request) -> web.Response:
        """Return the phone's messages, after waiting for `at_least` of them for up to `timeout_seconds`."""
        phone = phone_of(request)
        at_least, timeout_seconds = wait_of(request)
        if timeout_seconds:
            with self._state.waiting.one_more():
                await self._state.phones.wait(phone, at_least, timeout_seconds)
        received = self._state.phones.received(phone)
        return web.json_response(
            {
                "messages": [call.as_message() for call in received.entries()],
                "total": received.total,
                "forgotten": received.forgotten,
            }
        )

    async def reply(self, request: web.Request) -> web.Response:
        """Post the reply; return the answer to the webhook's first attempt, or 202 for a webhook that is late."""
        phone = phone_of(request)
        asked = await read(request, ReplyRequest)
        received = self._state.phones.received(phone).entries()
        second = self._state.writing.next(phone, now_microseconds() // 1_000_000)
        reply = compose(asked, phone, received, str(uuid4()).upper(), second)
        faults = self._state.faults.concerning(phone)
        self._state.lists[reply.account_id].note(reply.form)
        posting = self._state.gateway.post(self._webhook(reply), faults)
        if faults.late_webhooks_seconds:
            return web.json_response(_outcome(reply, None), status=202)
        async with asyncio.timeout(_FIRST_ATTEMPT_SECONDS):
            return web.json_response(_outcome(reply, await posting))

    async def forget(self, _: web.Request) -> web.Response:
        self._state.phones.clear()
        return web.Response(status=204)

    def _webhook(self, reply: Reply) -> WebhookPost:
        account = self._state.accounts.get(reply.account_id)
        if account is None:
            text = f"there is no URL for replies to {reply.account_id}: PUT /accounts/{reply.account_id}"
            raise RequestRefusedError(409, "unknown_account", text, "account_id")
        return WebhookPost("reply", reply.account_id, account.webhook_url, reply.form)


def phone_of(request: web.Request) -> str:
    """Return the phone in the path, with or without its plus sign.

    Raises:
        RequestRefusedError: it is not a phone number.
    """
    phone = f"+{request.match_info['phone'].removeprefix('+')}"
    if not E164.fullmatch(phone):
        raise RequestRefusedError(422, "invalid", "write the phone in E.164, such as /phones/+14155550100", "phone")
    return phone


def _outcome(reply: Reply, first: WebhookAttempt | None) -> dict[str, Any]:
    return {
        "status_code": first.status_code if first else None,
        "response": first.response if first else None,
        "answered_at": shown(first.answered_at) if first else None,
        "form": reply.form,
    }
