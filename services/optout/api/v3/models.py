"""The bases of what `/v3` answers and accepts."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from services.optout.api.fields import MAX_ID, without_nul


class Answer(BaseModel):
    """The base of all answers: no field but those that are declared, and exactly their types.

    A name that Python cannot have is an alias: `contacts_count: int = Field(alias="_contacts_count")`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_by_name=True, serialize_by_alias=True)


class Given(BaseModel):
    """The base of all request bodies: clients send more than is documented, and numbers for texts."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


GivenText = Annotated[str, StringConstraints(max_length=1000), AfterValidator(without_nul)]
PathId = Annotated[int, Field(ge=1, le=MAX_ID)]
"""An id in a path or a body, written as a number or as a string."""


class Currency(Answer):
    """The currency of prices, which are all 0: Stopline charges nothing."""

    currency_name_short: str = "USD"
    currency_prefix_d: str = "$"
    currency_prefix_c: str = "¢"
    currency_name_long: str = "US Dollars"
    min_recharge_amount: str = "0"
    max_recharge_amount: str = "0"


class GivenSender(Given):
    """A sender number or ID for the recipients of a country."""

    recipient_country_code: GivenText | None = None
    sender_id: GivenText | None = None
    sender_type: GivenText | None = None
    sender_country_code: GivenText | None = None


MAX_SENDERS = 300
"""More than there are countries."""
GivenSenders = Annotated[list[GivenSender], Field(max_length=MAX_SENDERS)]
