"""The limits of sender numbers as settings name them, and which one a message is under; no I/O."""

from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Json, model_validator

from shared.events.base import AccountId, ShortText
from shared.phones import SenderNumber
from shared.phones.event_fields import ALPHANUMERIC_SENDER, SHORT_CODE

MAX_NUMBERS = 100
_TOLL_FREE = ("+1800", "+1833", "+1844", "+1855", "+1866", "+1877", "+1888")

NumberType = Literal["long_code", "toll_free", "short_code", "alphanumeric"]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(f"{name!r} is not a time zone; write one such as America/Los_Angeles") from error
    return name


class NumberLimit(BaseModel):
    """A limit of what a carrier takes from one sender number: `per_day` is by the day in `zone`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_second: Annotated[float, Field(ge=0.001, le=10_000)] | None = None
    per_day: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    counts: Literal["messages", "segments"] = "messages"

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.per_second is None and self.per_day is None:
            raise ValueError("it limits nothing: set per_second, per_day or both")
        return self


class SharedLimit(NumberLimit):
    """A limit that several numbers have together, as those of a campaign have."""

    numbers: Annotated[tuple[SenderNumber, ...], Field(min_length=1, max_length=MAX_NUMBERS)]


class LimitName(NamedTuple):
    """The name of what a limit is of: an account's group of numbers by its name, or one number by itself."""

    account_id: str
    name: str


def _in_one_group(by_account: dict[str, dict[str, SharedLimit]]) -> dict[str, dict[str, SharedLimit]]:
    for account_id, groups in by_account.items():
        numbers = [number for group in groups.values() for number in group.numbers]
        twice = next((number for number in numbers if numbers.count(number) > 1), None)
        if twice is not None:
            raise ValueError(f"{account_id}: {twice} is in two groups, or twice in one")
    return by_account


SenderLimitSetting = Annotated[
    Json[dict[AccountId, dict[ShortText, SharedLimit]]],
    AfterValidator(_in_one_group),
    BeforeValidator(lambda text: text or "{}"),  # Compose sets what has no value to an empty text
    Field(default="{}"),
]
"""As JSON, by account and by a name: `{"acme": {"campaign": {"numbers": ["+14155550199"], "per_second": 4}}}`."""
CarrierLimitSetting = Annotated[
    Json[dict[str, dict[NumberType, NumberLimit]]],
    BeforeValidator(lambda text: text or "{}"),
    Field(default="{}"),
]
"""As JSON, by carrier and type of number: `{"twilio": {"long_code": {"per_second": 1}}}`."""


class LimitBook:
    """The limits of all numbers: those that an account's numbers have by name, else those of its carrier.

    Args:
        named: by account, then by the group's name.
        by_carrier: of each number that has no limit by name, by the carrier and the number's type.
    """

    def __init__(
        self,
        named: Mapping[str, Mapping[str, SharedLimit]],
        by_carrier: Mapping[str, Mapping[NumberType, NumberLimit]],
    ) -> None:
        self._named: dict[tuple[str, str], tuple[LimitName, NumberLimit]] = {
            (account_id, number): (LimitName(account_id, name), limit)
            for account_id, groups in named.items()
            for name, limit in groups.items()
            for number in limit.numbers
        }
        self._by_carrier = by_carrier

    def __bool__(self) -> bool:
        return bool(self._named or self._by_carrier)

    def of(self, account_id: str, sender_number: str, carrier: str) -> tuple[LimitName, NumberLimit] | None:
        """Return the limit that messages from the number are under, and what it is of; None: there is none."""
        named = self._named.get((account_id, sender_number))
        if named is not None:
            return named
        limit = self._by_carrier.get(carrier, {}).get(type_of(sender_number))
        return None if limit is None else (LimitName(account_id, f"number {sender_number}"), limit)


def type_of(sender_number: str) -> NumberType:
    """Return the type of a sender number in its canonical form."""
    if ALPHANUMERIC_SENDER.fullmatch(sender_number):
        return "alphanumeric"
    if SHORT_CODE.fullmatch(sender_number):
        return "short_code"
    return "toll_free" if sender_number.startswith(_TOLL_FREE) else "long_code"
