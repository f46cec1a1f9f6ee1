"""A carrier that nobody can connect to holds up its own messages, and no others."""

import socket
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from services.sender.calls import Chunk, MessageCalls
from services.sender.carriers.carrier import NotCalled, Unknown
from services.sender.carriers.choose import Carriers
from services.sender.carriers.client import CarrierClient
from services.sender.carriers.generic import GenericAdapter
from services.sender.ledger.model import key_of
from shared.errors import TransientError
from shared.events.outbound import MessageRequested
from shared.suppressions.fence_pass import FencePass, boottime

NOW = datetime(2026, 11, 24, 11, 13, tzinfo=UTC)


def asked(account_id: str) -> MessageRequested:
    return MessageRequested(
        account_id=account_id, message_id="m-1", list_id=7, phone="+14155550100", sender_number="ACME", body="Hi. STOP"
    )


OURS, OTHERS = asked("acme"), asked("beta")


def calls_of(*carriers: str) -> MessageCalls:
    unused: Any = None
    by_account = {"beta": carriers[-1]}
    return MessageCalls(Carriers(dict.fromkeys(carriers, unused), carriers[0], by_account), 10)


def note(calls: MessageCalls, result: NotCalled) -> None:
    chunk = Chunk([OURS], FencePass(NOW, boottime(), {}), {key_of(OURS): Unknown("the sender stopped")})
    calls.note(result, OURS, chunk)
    assert chunk.without_outcome() == [OURS]


def test_messages_of_a_carrier_out_of_reach_wait_and_those_of_others_leave() -> None:
    calls = calls_of("first", "other")
    note(calls, NotCalled("refused connection", is_unreachable=True))
    assert list(calls.pausing([OURS, OTHERS])) == [key_of(OURS)]
    calls.expect_callable([OTHERS])
    with pytest.raises(TransientError):
        calls.expect_callable([OURS])


def test_the_only_carriers_messages_stay_in_kafka_and_are_tried_again_at_once() -> None:
    calls = calls_of("first")
    note(calls, NotCalled("refused connection", is_unreachable=True))
    assert calls.pausing([OURS]) == {}
    calls.expect_callable([OURS])


def test_a_decision_that_grew_too_old_says_nothing_of_the_carrier() -> None:
    calls = calls_of("first", "other")
    note(calls, NotCalled("the decision is too old"))
    assert calls.pausing([OURS]) == {}


async def test_a_refused_connection_is_out_of_reach_and_a_call_that_is_too_late_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    adapter = GenericAdapter(carrier_url=f"http://127.0.0.1:{port}", carrier_token=SecretStr("a-secret"))
    client = CarrierClient(adapter, 10, 1.0)
    try:
        refused = await client.send(OURS, boottime() + 1)
        late = await client.send(OURS, boottime())
    finally:
        await client.close()
    assert isinstance(refused, NotCalled)
    assert isinstance(late, NotCalled)
    assert (refused.is_unreachable, late.is_unreachable) == (True, False)
