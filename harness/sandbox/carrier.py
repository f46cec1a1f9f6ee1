"""The carrier's interface: what the sender calls. Kept lean, benchmarks of the sender run against it."""

import asyncio
import hmac
import json
import logging
import random
from collections.abc import Callable

from aiohttp import web
from pydantic import ValidationError

from harness.sandbox.answers import error, invalid
from harness.sandbox.calls import Call, SendRequest, new_call
from harness.sandbox.clicksend import receipt_form
from harness.sandbox.clock import now_microseconds
from harness.sandbox.errors import TooManyWebhooksError
from harness.sandbox.faults import Faults, decide
from harness.sandbox.gateway import Webhook
from harness.sandbox.world import World

_log = logging.getLogger(__name__)
_OK = 200
_JSON = {"Content-Type": "application/json"}


class Carrier:
    """`POST /v1/messages`. It does not care whether it has seen a message id: a second call is a second message."""

    def __init__(self, world: World, roll: Callable[[], float] = random.random) -> None:
        self._world = world
        self._roll = roll
        self._authorization = f"Bearer {world.settings.sandbox_token.get_secret_value()}".encode()

    async def send(self, request: web.Request) -> web.Response:
        body = await request.read()
        received_at = now_microseconds()
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), self._authorization):
            return error(401, "unauthorized", "send `Authorization: Bearer <STOPLINE_SANDBOX_TOKEN>`")
        try:
            asked = SendRequest.model_validate_json(body)
        except ValidationError as problem:
            return invalid(problem)
        faults = self._world.faults.concerning(asked.to)
        fate = decide(faults, self._roll)
        call = new_call(asked, fate, received_at)
        self._record(call, faults)
        if faults.receipts and (call.delivered or fate.status == _OK):
            self._post_receipt(call, faults)
        if faults.latency_seconds:
            await asyncio.sleep(faults.latency_seconds)
        call.answer(fate.status, now_microseconds())
        return _answer(request, call)

    def _record(self, call: Call, faults: Faults) -> None:
        if self._world.settings.sandbox_forget or faults.forget:
            return
        self._world.calls.add(call)
        if call.delivered:
            self._world.phones.deliver(call)

    def _post_receipt(self, call: Call, faults: Faults) -> None:
        account = self._world.accounts.get(call.account_id)
        if account is None or account.receipt_url is None:
            return
        form = receipt_form(call, now_microseconds() // 1_000_000)
        try:
            self._world.gateway.post(Webhook("receipt", call.account_id, account.receipt_url, form), faults)
        except TooManyWebhooksError as full:
            _log.warning("a receipt is not posted: %s", full)


def _answer(request: web.Request, call: Call) -> web.Response:
    if call.status == _OK:
        return web.Response(body=json.dumps({"carrier_message_id": call.carrier_message_id}).encode(), headers=_JSON)
    if call.status is not None:
        return error(call.status, "fault", "the fault `error_rate` is switched on")
    if request.transport is not None:
        request.transport.abort()
    return web.Response()  # goes nowhere
