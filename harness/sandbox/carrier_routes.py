"""The carrier's interface, which the sender calls. Kept lean: benchmarks of the sender run against it."""

import asyncio
import hmac
import json
import logging
import random
from collections.abc import Callable

from aiohttp import web
from pydantic import ValidationError

from harness.sandbox.calls import Call, SendRequest, new_call
from harness.sandbox.clicksend_forms import receipt_form
from harness.sandbox.clock import now_microseconds
from harness.sandbox.faults import Faults, effect_on_a_call
from harness.sandbox.gateway import WebhookPost
from harness.sandbox.json_http import error, invalid
from harness.sandbox.refusals import TooManyWebhooksError
from harness.sandbox.sandbox_state import SandboxState

_log = logging.getLogger(__name__)
_OK, _FORBIDDEN = 200, 403
OPTED_OUT = "opted_out"
_JSON = {"Content-Type": "application/json"}


class CarrierRoutes:
    """The handler of `POST /v1/messages`. Like a carrier, it sends a message id that it has seen before once more."""

    def __init__(self, state: SandboxState, roll: Callable[[], float] = random.random) -> None:
        self._state = state
        self._roll = roll
        self._authorization = f"Bearer {state.settings.sandbox_token.get_secret_value()}".encode()

    async def send(self, request: web.Request) -> web.Response:
        body = await request.read()
        received_at = now_microseconds()
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), self._authorization):
            return error(401, "unauthorized", "send `Authorization: Bearer <STOPLINE_SANDBOX_TOKEN>`")
        try:
            asked = SendRequest.model_validate_json(body)
        except ValidationError as problem:
            return invalid(problem)
        faults = self._state.faults.concerning(asked.to)
        effect = effect_on_a_call(faults, self._roll)
        call = new_call(asked, effect, received_at)
        self._record(call, faults)
        if faults.receipts and (call.delivered or effect.status == _OK):
            self._post_receipt(call, faults)
        if faults.latency_seconds:
            await asyncio.sleep(faults.latency_seconds)
        call.answer(effect.status, now_microseconds())
        answer = _answer(request, call)
        if faults.retry_after_seconds is not None and effect.status not in (_OK, None):
            answer.headers["Retry-After"] = str(faults.retry_after_seconds)
        return answer

    def _record(self, call: Call, faults: Faults) -> None:
        if self._state.settings.sandbox_forget or faults.forget:
            return
        self._state.calls.add(call)
        if call.delivered:
            self._state.phones.deliver(call)

    def _post_receipt(self, call: Call, faults: Faults) -> None:
        account = self._state.accounts.get(call.account_id)
        if account is None or account.receipt_url is None:
            return
        form = receipt_form(call, now_microseconds() // 1_000_000)
        try:
            self._state.gateway.post(WebhookPost("receipt", call.account_id, account.receipt_url, form), faults)
        except TooManyWebhooksError as full:
            _log.warning("a receipt is not posted: %s", full)


def _answer(request: web.Request, call: Call) -> web.Response:
    if call.status == _OK:
        return web.Response(body=json.dumps({"carrier_message_id": call.carrier_message_id}).encode(), headers=_JSON)
    if call.is_blocked:
        return error(call.status or _FORBIDDEN, OPTED_OUT, "the recipient has texted STOP to this number")
    if call.status is not None:
        return error(call.status, "fault", "the fault `error_rate` is switched on")
    if request.transport is not None:
        request.transport.abort()
    return web.Response()  # goes nowhere
