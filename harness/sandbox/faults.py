"""Faults that are switched on for a test, and their effect on a call."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from harness.sandbox.limits import MAX_FAULTY_PHONES
from shared.phones import Phone

Rate = Annotated[float, Field(ge=0, le=1)]


class Faults(BaseModel):
    """The faults that are on: those of the carrier's calls, then those of the gateway's webhooks. By default, none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    phones: Annotated[frozenset[Phone], Field(max_length=MAX_FAULTY_PHONES)] | None = None
    """The phones for which the faults are on; None is every phone."""

    latency_seconds: Annotated[float, Field(ge=0, le=60)] = 0
    """The time from the call's arrival to its answer. The message is on the phone at the start of it."""
    error_rate: Rate = 0
    error_status: Annotated[int, Field(ge=400, le=599)] = 500
    retry_after_seconds: Annotated[int, Field(ge=0, le=3600)] | None = None
    """What the answer of such an error says in `Retry-After`."""
    deliver_before_error: bool = False
    """The nasty case: the phone has the message, and the caller gets an error."""
    drop_rate: Rate = 0
    """The share of calls whose connection is reset instead of answered."""
    drop_when: Literal["before", "after"] = "before"
    """Whether the connection is reset before or after the message reaches the phone."""
    undeliverable_rate: Rate = 0
    """The share of calls answered 200 whose message never reaches the phone; its receipt, if any, says `failed`."""
    opted_out: Literal["answer", "receipt"] | None = None
    """The carrier has an opt-out of its own on record: it refuses the call, or takes it and says so in a receipt."""
    forget: bool = False
    """Keep neither calls nor messages."""

    receipts: bool = False
    duplicate_webhooks: Annotated[int, Field(ge=0, le=100)] = 0
    """The number of copies of each reply and receipt, posted at the same time as the first."""
    late_webhooks_seconds: Annotated[float, Field(ge=0, le=3600)] = 0
    webhook_retries: Annotated[int, Field(ge=0, le=50)] = 5
    """The number of attempts after the first, made until one is answered with 2xx."""
    webhook_backoff_seconds: Annotated[float, Field(ge=0, le=60)] = 0.2
    """The pause before the second attempt; it doubles with each, up to five seconds or this, whichever is longer."""

    def concerning(self, phone: str) -> Self:
        """Return the faults that are on for this phone."""
        return self if self.phones is None or phone in self.phones else type(self)()


@dataclass(frozen=True, slots=True)
class FaultEffect:
    """The effect of the faults on a call. `status` is the answer's, None for a connection that is reset.

    `is_blocked`: the carrier does not deliver the message, because the recipient has opted out with it.
    """

    reaches_phone: bool
    status: int | None
    is_blocked: bool = False


_ACCEPTED = FaultEffect(reaches_phone=True, status=200)


def effect_on_a_call(faults: Faults, roll: Callable[[], float]) -> FaultEffect:
    """Return the effect of `faults` on one call; `roll` returns a number in [0, 1), and is called for rates above 0."""
    if faults.opted_out is not None:
        return FaultEffect(reaches_phone=False, status=403 if faults.opted_out == "answer" else 200, is_blocked=True)
    if _hit(faults.drop_rate, roll):
        return FaultEffect(reaches_phone=faults.drop_when == "after", status=None)
    if _hit(faults.error_rate, roll):
        return FaultEffect(reaches_phone=faults.deliver_before_error, status=faults.error_status)
    if _hit(faults.undeliverable_rate, roll):
        return FaultEffect(reaches_phone=False, status=200)
    return _ACCEPTED


def _hit(rate: float, roll: Callable[[], float]) -> bool:
    return rate > 0 and roll() < rate
