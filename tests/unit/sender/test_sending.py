"""What the last step before the carrier does with messages that must wait, and with what was counted for the others."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from services.sender.dispatch import Dispatcher
from services.sender.drop import Dropper
from services.sender.ledger.model import MessageKey, key_of
from services.sender.limits.allot import Allotment
from services.sender.limits.limiter import Limiter
from services.sender.limits.number_limits import LimitName
from services.sender.limits.number_use import RATE, NumberTurn
from services.sender.sending import LimitedSending, Permission
from services.sender.timing import PAUSE, Wait
from services.sender.waiting.room import WaitingRoom
from shared.errors import TransientError
from shared.events.outbound import MessageRequested
from shared.suppressions.fence_pass import FencePass

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


def asked(number: int, **times: datetime) -> MessageRequested:
    return MessageRequested(
        account_id="acme", message_id=f"m-{number}", list_id=7, phone="+14155550100", sender_number="+14155550199",
        body="Hi. STOP to end", **times,
    )  # fmt: skip


async def _verify_source() -> None:
    """Find all topics unchanged."""


@dataclass
class World:
    """The parts that sending works with: a limiter that has one message wait, and counted the other, and a room."""

    allotment: Allotment
    room_error: TransientError | None = None
    paused: dict[MessageKey, float] = field(default_factory=dict)
    machine_now: datetime = NOW
    sent: list[MessageRequested] = field(default_factory=list)
    room: list[tuple[MessageRequested, Wait]] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    given_back: list[MessageKey] = field(default_factory=list)

    async def send(self, requests: list[MessageRequested]) -> list[MessageRequested]:
        sending = LimitedSending(
            cast("Limiter", _Limiter(self)), cast("Dispatcher", _Dispatcher(self)),
            cast("Dropper", _Dropper(self)), cast("WaitingRoom", _Room(self)),
        )  # fmt: skip
        by = Permission({}, FencePass(self.machine_now, 0.0, {}), _verify_source, NOW)
        return await sending.send(requests, requests, by)


@dataclass
class _Limiter:
    world: World

    async def reserve(self, *_: object) -> Allotment:
        return self.world.allotment

    async def release(self, reservation: Any, called: set[MessageKey]) -> None:
        self.world.given_back += [key for key in reservation.of_numbers if key not in called]


@dataclass
class _Dispatcher:
    world: World

    @property
    def calls(self) -> "_Dispatcher":
        return self

    def pausing(self, _: object) -> dict[MessageKey, float]:
        return self.world.paused

    def expect_callable(self, _: object) -> None: ...

    async def dispatch(self, requests: list[MessageRequested], *rest: Any) -> list[MessageRequested]:
        self.world.sent += requests
        rest[-1].update(map(key_of, requests))
        return []


@dataclass
class _Dropper:
    world: World

    async def drop(self, _: str, rows: list[tuple[MessageRequested, str]], __: datetime) -> list[MessageRequested]:
        self.world.dropped += [detail.split(" ", 1)[0] for _, detail in rows]
        return []


@dataclass
class _Room:
    world: World

    async def put(self, waiting: list[tuple[MessageRequested, Wait]], _: datetime) -> list[MessageRequested]:
        if self.world.room_error is not None:
            raise self.world.room_error
        self.world.room += waiting
        return []


def allotment(allowed: MessageRequested, held: MessageRequested, until: datetime) -> Allotment:
    found = Allotment({}, {}, allowed=[allowed], held=[(held, NumberTurn(until, RATE))])
    found.reservation.of_numbers[key_of(allowed)] = LimitName("acme", "n"), NOW.date(), 1
    return found


@pytest.mark.parametrize("seconds", [-3600, -1, 0, 1])
async def test_a_turn_that_is_over_by_this_machines_clock_is_waited_for_all_the_same(seconds: int) -> None:
    until = NOW + timedelta(seconds=seconds)  # the database's clock is slow, or this machine's is fast
    world = World(allotment(asked(1), asked(2), until))
    assert await world.send([asked(1), asked(2)]) == []
    assert world.sent == [asked(1)]
    assert world.room == [(asked(2), Wait(until, RATE))]


async def test_the_end_of_a_pause_is_by_the_clock_that_messages_are_woken_by() -> None:
    """By a machine's clock that is an hour ahead, the message would wait for an hour."""
    world = World(Allotment({}, {}), paused={key_of(asked(1)): 10}, machine_now=NOW + timedelta(hours=1))
    assert await world.send([asked(1)]) == []
    assert world.room == [(asked(1), Wait(NOW + timedelta(seconds=10), PAUSE))]


async def test_a_message_that_is_not_valid_until_its_turn_is_rejected() -> None:
    held = asked(2, valid_until=NOW + timedelta(seconds=5))
    world = World(allotment(asked(1), held, NOW + timedelta(seconds=6)))
    await world.send([asked(1), held])
    assert (world.dropped, world.room) == (["expired"], [])


async def test_what_was_counted_is_given_back_if_others_cannot_be_set_aside() -> None:
    world = World(allotment(asked(1), asked(2), NOW + timedelta(seconds=1)), TransientError("Kafka is unavailable"))
    with pytest.raises(TransientError):
        await world.send([asked(1), asked(2)])
    assert (world.sent, world.given_back) == ([], [key_of(asked(1))])


async def test_what_was_called_stays_counted() -> None:
    world = World(allotment(asked(1), asked(2), NOW + timedelta(seconds=1)))
    await world.send([asked(1), asked(2)])
    assert world.given_back == []
