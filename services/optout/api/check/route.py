"""`POST /v1/check`: may these messages be sent now? For systems that send by themselves and only want to ask.

It fails closed: whatever is missing, the response is 503 and says "do not send".
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.optout.api import metrics
from services.optout.api.check.ask import Checks, Known
from services.optout.api.check.decide import Message
from services.optout.api.check.models import AskedMessage, AskedMessages, CheckResponse, response_of
from services.optout.api.context import CallerAccountId
from services.optout.api.errors import ApiError, envelope
from services.optout.api.freshness import tokens_of
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.requests import Token
from services.optout.api.runtime import ApiRuntime
from services.optout.contact_phone import contact_phone
from shared.errors import TransientError
from shared.phones import readings
from shared.phones.readings import only_reading
from shared.phones.writing import read_digits

log = logging.getLogger(__name__)

RESPONSE_SECONDS = 8.0
"""Within which there is a response, login included."""
_abandoned: set[asyncio.Task[Response]] = set()


class FailClosedRoute(GuardedRoute):
    """A route whose every 503, wherever it comes from, says that nothing may be sent."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        guarded = super().get_route_handler()

        async def fail_closed(request: Request) -> Response:
            response = await _in_time(guarded(request))
            if response is not None and response.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                return response
            metrics.CHECKS_UNAVAILABLE.inc()
            return envelope(_do_not_send())

        return fail_closed


async def _in_time(responding: Coroutine[Any, Any, Response]) -> Response | None:
    """Return the response; None where there is none in time. A frozen Postgres keeps even a cancelled query waiting."""
    task = asyncio.create_task(responding)
    try:
        await asyncio.wait([task], timeout=RESPONSE_SECONDS)
        if task.done():
            return task.result()
        _abandoned.add(task)
        task.add_done_callback(_abandoned.discard)
        return None
    finally:
        task.cancel()


router = APIRouter(route_class=FailClosedRoute)


@router.post("/v1/check", response_model=CheckResponse)
async def check_messages(
    asked: AskedMessages,
    account_id: CallerAccountId,
    runtime: ApiRuntime,
    at_least_as_fresh: Annotated[str | None, Query()] = None,
) -> Response:
    """Return for each message whether the sender would let it go now; what is not named counts as any."""
    tokens = [] if at_least_as_fresh is None else tokens_of(at_least_as_fresh, runtime.requests.partitions)
    try:
        with metrics.CHECK_SECONDS.time():
            sure = [phone for each in asked.messages if (phone := only_reading(each.phone))]
            checked = await runtime.checks.check(account_id, _messages(asked, account_id, runtime.checks), sure)
            hours = runtime.checks.hours_of(account_id)
    except TransientError as error:
        log.warning("a check is not decided: %s", error)
        raise _do_not_send() from None
    _require_place(tokens, checked.fence_pass.markers)
    response = response_of(asked, checked, hours)
    for code, count in Counter(each.code or "allowed" for each in checked.decisions).items():
        metrics.CHECKED.labels(code).inc(count)
    return Response(response.model_dump_json(), media_type="application/json")


async def _messages(asked: AskedMessages, account_id: str, checks: Checks) -> Sequence[Message]:
    known = await checks.known(account_id, (each.list_id for each in asked.messages if each.list_id))
    return [_message(each, known) for each in asked.messages]


def _message(asked: AskedMessage, known: Known) -> Message:
    return Message(
        _phones(asked.phone, known.country),
        asked.list_id if asked.list_id in known.plain_lists else None,
        asked.sender_number,
        has_list=asked.list_id is None or asked.list_id in known.plain_lists | known.special_lists,
    )


def _phones(text: str, country: str | None) -> tuple[str, ...]:
    """Return each number that a text may be, the one first that a contact's would be; none: it is not a phone."""
    if only := only_reading(text):
        return (only,)
    try:
        first = contact_phone(text, country)
        return tuple(dict.fromkeys([first, *readings(read_digits(text), country)]))
    except ValueError:
        return ()


def _require_place(tokens: list[Token], markers: Mapping[int, int]) -> None:
    """Refuse a token of a place that was not there before the fence; whatever was is decided, and in the response."""
    if any(token.offset >= markers.get(token.partition, token.offset + 1) for token in tokens):
        message = "at_least_as_fresh: there is nothing yet at the place that it names; try again"
        raise ApiError(HTTPStatus.CONFLICT, "not_yet", message, "at_least_as_fresh", headers={"Retry-After": "1"})


def _do_not_send() -> ApiError:
    message = (
        "do not send: what would be decided cannot be known now, since Kafka, the database or the copy of the"
        " suppressions is unavailable or too slow; ask again"
    )
    return ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", message, headers={"Retry-After": "1"})
