"""What goes wrong on purpose, and the decision what becomes of a call."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from harness.sandbox.limits import MAX_FAULTY_PHONES
from shared.phone_numbers import Phone

Rate = Annotated[float, Field(ge=0, le=1)]


class Faults(BaseModel):
    """The faults that are on; without arguments, none. The carrier's side first, then the gateway's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    phones: Annotated[frozenset[Phone], Field(max_length=MAX_FAULTY_PHONES)] | None = None
    """The phones that all of this is about; None is every phone."""

    latency_seconds: Annotated[float, Field(ge=0, le=60)] = 0
    """From the call's arrival (the message is on the phone by then) to the answer."""
    error_rate: Rate = 0
    error_status: Annotated[int, Field(ge=400, le=599)] = 500
    deliver_before_error: bool = False
    """The nasty case: the phone has the message, the caller hears of an error."""
    drop_rate: Rate = 0
    """Calls whose connection is reset in place of an answer."""
    drop_when: Literal["before", "after"] = "before"
    """Before or after the message reached the phone."""
    undeliverable_rate: Rate = 0
    """Calls answered 200 whose message never reaches the phone; the receipt, if receipts are on, says `failed`."""
    forget: bool = False
    """Keep neither calls nor messages."""

    receipts: bool = False
    duplicate_webhooks: Annotated[int, Field(ge=0, le=100)] = 0
    """How many more times each reply and receipt is posted, at the same time."""
    late_webhooks_seconds: Annotated[float, Field(ge=0, le=3600)] = 0
    webhook_retries: Annotated[int, Field(ge=0, le=50)] = 5
    """Attempts after the first while the answer is not 2xx or does not come."""
    webhook_backoff_seconds: Annotated[float, Field(ge=0, le=60)] = 0.2
    """Before the second attempt; doubles with each, up to five seconds or this, whichever is longer."""

    def concerning(self, phone: str) -> Self:
        """Return the faults that this phone meets."""
        return self if self.phones is None or phone in self.phones else type(self)()


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a call: the answered `status`, None for a dropped connection."""

    reaches_phone: bool
    status: int | None


_ACCEPTED = Fate(reaches_phone=True, status=200)


def decide(faults: Faults, roll: Callable[[], float]) -> Fate:
    """Return the fate of one call; `roll` gives a number in [0, 1) and is asked only where a rate is above 0."""
    if _hit(faults.drop_rate, roll):
        return Fate(reaches_phone=faults.drop_when == "after", status=None)
    if _hit(faults.error_rate, roll):
        return Fate(reaches_phone=faults.deliver_before_error, status=faults.error_status)
    if _hit(faults.undeliverable_rate, roll):
        return Fate(reaches_phone=False, status=200)
    return _ACCEPTED


def _hit(rate: float, roll: Callable[[], float]) -> bool:
    return rate > 0 and roll() < rate
