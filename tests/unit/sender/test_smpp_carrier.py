"""A message is written on a fresh decision or never, and called for once whatever the SMSC does."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiosmpplib.protocol import SubmitSm
from smpp_world import REPORTED_SECONDS, asked, bound_to, soon
from smsc import ENQUIRE, HEADER, RESPONSE, SUBMIT, UNBIND, Bound, Smsc, pdu, serving, until

from services.sender.carriers.carrier import (
    Accepted,
    Blocked,
    CallResult,
    NotCalled,
    Refused,
    Throttled,
    Unknown,
)
from shared.smpp import link, session
from shared.smpp.pdus import MAX_PDU_BYTES, PduError, read_pdu

Answer = Callable[[Smsc, Bound, int, SubmitSm], Awaitable[None]]


def with_status(status: int) -> Answer:
    async def say(_: Smsc, bound: Bound, sequence: int, __: SubmitSm) -> None:
        await asyncio.sleep(0)
        bound.answer(sequence, status=status)

    return say


def writing(*chunks: Callable[[int], bytes]) -> Answer:
    async def say(_: Smsc, bound: Bound, sequence: int, __: SubmitSm) -> None:
        for chunk in chunks:
            bound.writer.write(chunk(sequence))
            await bound.writer.drain()

    return say


async def result_of(say: Answer, call_seconds: float = REPORTED_SECONDS, **more: Any) -> CallResult:
    async with serving(Smsc(say)) as smsc, bound_to(smsc, call_seconds, **more) as client:
        return await client.send(asked(), soon())


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (0x01, Refused("0x01 ESME_RINVMSGLEN")),
        (0x04, Refused("0x04 ESME_RINVBNDSTS", 10)),
        (0x08, Unknown("the SMSC answered 0x08 ESME_RSYSERR")),
        (0x0A, Refused("0x0A ESME_RINVSRCADR")),
        (0x0B, Refused("0x0B ESME_RINVDSTADR")),
        (0x14, Throttled("0x14 ESME_RMSGQFUL", 1)),
        (0x45, Refused("0x45 ESME_RSUBMITFAIL")),
        (0x58, Throttled("0x58 ESME_RTHROTTLED", 1)),
        (0xC1, Refused("0xC1 ESME_ROPTPARNOTALLWD")),
        (0xFE, Unknown("the SMSC answered 0xFE ESME_RDELIVERYFAILURE")),
        (0xFF, Unknown("the SMSC answered 0xFF ESME_RUNKNOWNERR")),
        (0x400, Refused("0x400")),
        (0x432, Blocked("0x432", "0x432")),
        (0x777, Unknown("the SMSC answered 0x777")),
        (0xFFFFFFFF, Unknown("the SMSC answered 0xFFFFFFFF")),
    ],
)
async def test_each_status_has_its_result(status: int, result: CallResult) -> None:
    assert await result_of(with_status(status), smpp_opted_out_statuses=f"[{0x432}]") == result


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda sequence: pdu(0x80000000, sequence, status=0x02), Refused),
        (lambda sequence: pdu(0x80000000, sequence, status=0x58), Throttled),
        (lambda sequence: pdu(0x80000000, sequence, status=0x08), Unknown),
        (lambda sequence: pdu(SUBMIT | RESPONSE, sequence, b"\0", status=0x58), Throttled),
        (lambda sequence: pdu(SUBMIT | RESPONSE, sequence, b"id\0", status=0x58), Unknown),
        (lambda sequence: pdu(0x80000000, sequence), Unknown),
        (lambda _: pdu(0x80000000, 0, status=0x02), Unknown),
        (lambda sequence: pdu(ENQUIRE | RESPONSE, sequence), Unknown),
        (lambda sequence: pdu(SUBMIT | RESPONSE, sequence, b"\0"), Unknown),
        (lambda sequence: pdu(SUBMIT | RESPONSE, sequence), Unknown),
        (lambda sequence: pdu(SUBMIT | RESPONSE, sequence, b"id"), Accepted),
        (lambda sequence: pdu(SUBMIT | RESPONSE, sequence, b"\xff\xfe\0"), Accepted),
        (lambda sequence: pdu(SUBMIT | RESPONSE, sequence, b"id\0\0\0\0\1garbage"), Accepted),
        (lambda _: HEADER.pack(4, SUBMIT | RESPONSE, 0, 1), Unknown),
        (lambda _: HEADER.pack(MAX_PDU_BYTES + 1, SUBMIT | RESPONSE, 0, 1) + b"x" * 100, Unknown),
        (lambda _: b"HTTP/1.1 400 Bad Request\r\nServer: no SMSC\r\n\r\n", Unknown),
        (lambda _: pdu(UNBIND, 77), Unknown),
    ],
)
async def test_no_odd_answer_is_taken_for_an_accepted_message_or_leads_to_a_second_call(
    answer: Callable[[int], bytes], kind: type[CallResult]
) -> None:
    async with serving(Smsc(writing(answer))) as smsc, bound_to(smsc) as client:
        assert type(await client.send(asked(), soon())) is kind
        assert len(smsc.submitted) == 1


async def test_other_pdus_are_answered_while_a_message_waits() -> None:
    asks = writing(
        lambda _: pdu(ENQUIRE, 5),
        lambda _: pdu(0x05, 6, b"\0" * 17),
        lambda _: pdu(0x0F0F, 7),
        lambda _: pdu(0x102, 8, b"\0" * 6),
        lambda _: pdu(SUBMIT | RESPONSE, 999_999, b"someone-elses\0"),
        lambda sequence: pdu(SUBMIT | RESPONSE, sequence, b"mine\0"),
    )
    async with serving(Smsc(asks)) as smsc, bound_to(smsc) as client:
        assert await client.send(asked(), soon()) == Accepted("mine")
    answers = [(ENQUIRE | RESPONSE, 0, 5), (0x05 | RESPONSE, 0x04, 6), (0x80000000, 0x03, 7)]
    assert smsc.binds[0].others[:3] == answers


@pytest.mark.parametrize("length", [0, 4, 15, MAX_PDU_BYTES + 1, 0xFFFFFFFF])
async def test_nothing_more_is_waited_for_after_a_length_that_cannot_be_one(length: int) -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(HEADER.pack(length, SUBMIT | RESPONSE, 0, 1))
    with pytest.raises(PduError, match=f"a PDU of {length} bytes"):
        await read_pdu(reader)


async def test_responses_come_in_any_order() -> None:
    held: list[tuple[int, str]] = []

    async def hold(_: Smsc, bound: Bound, sequence: int, sent: SubmitSm) -> None:
        await asyncio.sleep(0)
        held.append((sequence, sent.short_message))
        if len(held) == 3:
            for each, text in reversed(held):
                bound.answer(each, f"id of {text}")

    async with serving(Smsc(hold)) as smsc, bound_to(smsc) as client:
        sends = [client.send(asked(number, body=f"{number}"), soon()) for number in range(3)]
        assert await asyncio.gather(*sends) == [Accepted(f"id of {number}") for number in range(3)]


async def silent(*_: object) -> None:
    await asyncio.sleep(0)


async def test_a_slow_answer_leaves_the_outcome_open_and_settles_no_other_message() -> None:
    late: list[int] = []

    async def too_late(_: Smsc, bound: Bound, sequence: int, __: SubmitSm) -> None:
        await asyncio.sleep(0)
        late.append(sequence)
        if len(late) == 2:
            bound.answer(late[0], "too-late")
            bound.answer(late[1], "in-time")

    async with serving(Smsc(too_late)) as smsc, bound_to(smsc, 0.2) as client:
        assert await client.send(asked(1), soon()) == Unknown("the SMSC did not answer within 0.2 s")
        assert await client.send(asked(2), soon()) == Accepted("in-time")


async def test_an_smsc_that_does_not_know_the_bind_any_more_gets_a_new_one() -> None:
    async def forget(smsc: Smsc, bound: Bound, sequence: int, _: SubmitSm) -> None:
        await asyncio.sleep(0)
        bound.answer(sequence, "id-2", 0x04 if bound is smsc.binds[0] else 0)

    async with serving(Smsc(forget)) as smsc, bound_to(smsc) as client:
        assert await client.send(asked(1), soon()) == Refused("0x04 ESME_RINVBNDSTS", 10)
        assert await client.send(asked(2), soon()) == Accepted("id-2")


async def test_the_window_is_kept_and_a_message_that_waits_too_long_for_it_is_decided_again() -> None:
    async with serving(Smsc(silent)) as smsc, bound_to(smsc, 1, smpp_window=2) as client:
        waiting = [asyncio.create_task(client.send(asked(number), soon())) for number in range(2)]
        await until(lambda: len(smsc.submitted) == 2)
        assert await client.send(asked(3), soon(0.1)) == NotCalled("the SMSC's window is full")
        assert {type(result) for result in await asyncio.gather(*waiting)} == {Unknown}
        assert len(smsc.submitted) == 2


async def test_a_connection_that_is_cut_after_the_write_leaves_the_outcome_open_and_is_bound_again() -> None:
    async def cut(smsc: Smsc, bound: Bound, sequence: int, _: SubmitSm) -> None:
        await asyncio.sleep(0)
        if len(smsc.submitted) == 1:
            bound.cut()
        else:
            bound.answer(sequence, "second")

    async with serving(Smsc(cut)) as smsc, bound_to(smsc) as client:
        assert isinstance(await client.send(asked(1), soon()), Unknown)
        assert await client.send(asked(2), soon()) == Accepted("second")
        assert len(smsc.binds) == 2


async def test_messages_wait_for_an_smsc_that_restarts_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "MAX_PAUSE_SECONDS", 0.1)
    async with serving(Smsc()) as smsc, bound_to(smsc) as client:
        assert await client.send(asked(1), soon()) == Accepted("id-1")
        await smsc.stop()
        await until(lambda: client._link.problem is not None)
        result = await client.send(asked(2), soon(0.3))
        assert isinstance(result, NotCalled)
        assert result.is_unreachable
        assert "no bind to the SMSC: the connection ended" in result.detail or "Connect call failed" in result.detail
        await smsc.start()
        assert await client.send(asked(2), soon()) == Accepted("id-2")


@pytest.mark.parametrize("status", [0x05, 0x0D, 0x0E, 0x0F])
async def test_a_bind_that_is_refused_is_tried_again_and_says_why(status: int) -> None:
    async with serving(Smsc(bind_status=status)) as smsc, bound_to(smsc) as client:
        result = await client.send(asked(), soon(0.3))
        assert isinstance(result, NotCalled)
        assert f"refuses the bind: 0x{status:02X} ESME_R" in result.detail
        smsc.bind_status = 0
        assert await client.send(asked(), soon()) == Accepted("id-1")


async def test_an_smsc_that_answers_nothing_any_more_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "RESPONSE_SECONDS", 0.2)
    async with serving(Smsc(enquires=False)) as smsc, bound_to(smsc, smpp_enquire_link_seconds=1.0) as client:
        await smsc.bound(2)
        assert smsc.enquired
        smsc.enquires = True
        assert isinstance(await client.send(asked(), soon()), Accepted | Unknown)


async def test_no_byte_leaves_on_a_decision_that_grew_too_old_at_the_write(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(Smsc()) as smsc, bound_to(smsc) as client:
        assert await client.send(asked(1), soon()) == Accepted("id-1")
        write_by = soon()
        monkeypatch.setattr("services.sender.carriers.write_deadline.boottime", lambda: write_by)
        assert await client.send(asked(2), write_by) == NotCalled("the decision is too old")
        monkeypatch.undo()
        assert await client.send(asked(3, body="still bound"), soon()) == Accepted("id-2")
    assert [each.short_message for each in smsc.submitted] == [asked().body, "still bound"]


async def test_a_process_that_is_frozen_at_the_write_sends_nothing_when_it_wakes_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(Smsc()) as smsc, bound_to(smsc) as client:
        assert await client.send(asked(1), soon()) == Accepted("id-1")
        monkeypatch.setattr("services.sender.carriers.write_deadline.failpoint", lambda _: threading.Event().wait(0.3))
        assert isinstance(await client.send(asked(2), soon(0.2)), NotCalled)
        monkeypatch.undo()
    assert len(smsc.submitted) == 1
