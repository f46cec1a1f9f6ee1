"""The phones, as a person or a test looks at them and replies from them."""

import asyncio
from typing import Any
from uuid import uuid4

from aiohttp import web

from harness.sandbox.answers import number, patience_of, read
from harness.sandbox.clock import now_microseconds, shown
from harness.sandbox.errors import RefusedError
from harness.sandbox.gateway import Attempt, Webhook
from harness.sandbox.limits import MAX_PAGE, WEBHOOK_ATTEMPT_SECONDS
from harness.sandbox.replies import Reply, ReplyRequest, compose
from harness.sandbox.world import World
from shared.phone_numbers import E164

_OVERVIEW_PHONES = 1000
_FIRST_ATTEMPT_SECONDS = 2 * WEBHOOK_ATTEMPT_SECONDS  # it may have to wait for its turn


class People:
    """`/phones…`."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def overview(self, request: web.Request) -> web.Response:
        return web.json_response(self._world.phones.overview(int(number(request, "limit", _OVERVIEW_PHONES, MAX_PAGE))))

    async def messages(self, request: web.Request) -> web.Response:
        """With `at_least` and `timeout_seconds`: waits until the phone has received so many."""
        phone = phone_of(request)
        at_least, timeout_seconds = patience_of(request)
        if timeout_seconds:
            with self._world.patience.one_more():
                await self._world.phones.wait(phone, at_least, timeout_seconds)
        received = self._world.phones.received(phone)
        return web.json_response(
            {
                "messages": [call.as_message() for call in received.entries()],
                "total": received.total,
                "forgotten": received.forgotten,
            }
        )

    async def reply(self, request: web.Request) -> web.Response:
        """Post the reply; answer with what the webhook answered to the first attempt, or 202 for a late one."""
        phone = phone_of(request)
        asked = await read(request, ReplyRequest)
        received = self._world.phones.received(phone).entries()
        second = self._world.writing.next(phone, now_microseconds() // 1_000_000)
        reply = compose(asked, phone, received, str(uuid4()).upper(), second)
        faults = self._world.faults.concerning(phone)
        posting = self._world.gateway.post(self._webhook(reply), faults)
        if faults.late_webhooks_seconds:
            return web.json_response(_outcome(reply, None), status=202)
        async with asyncio.timeout(_FIRST_ATTEMPT_SECONDS):
            return web.json_response(_outcome(reply, await posting))

    async def forget(self, _: web.Request) -> web.Response:
        self._world.phones.clear()
        return web.Response(status=204)

    def _webhook(self, reply: Reply) -> Webhook:
        account = self._world.accounts.get(reply.account_id)
        if account is None:
            text = f"nobody said where replies to {reply.account_id} go: PUT /accounts/{reply.account_id}"
            raise RefusedError(409, "unknown_account", text, "account_id")
        return Webhook("reply", reply.account_id, account.webhook_url, reply.form)


def phone_of(request: web.Request) -> str:
    """Return the phone in the path, with or without its plus sign.

    Raises:
        RefusedError: it is no phone number.
    """
    phone = f"+{request.match_info['phone'].removeprefix('+')}"
    if not E164.fullmatch(phone):
        raise RefusedError(422, "invalid", "write the phone in E.164, such as /phones/+14155550100", "phone")
    return phone


def _outcome(reply: Reply, first: Attempt | None) -> dict[str, Any]:
    return {
        "status_code": first.status_code if first else None,
        "response": first.response if first else None,
        "answered_at": shown(first.answered_at) if first else None,
        "form": reply.form,
    }
