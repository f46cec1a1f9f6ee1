"""The short way to a phone number says what the long way says."""

from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    SUPPORTED_REGIONS,
    PhoneNumberFormat,
    example_number,
    format_number,
)

from services.inbound.gateways import phones
from shared.phone_numbers import normalise_phone


def outcome(read: object, text: str) -> str | None:
    try:
        return str(read(text))  # type: ignore[operator]
    except ValueError:
        return None


_NUMBERS = st.builds(
    lambda plus, code, rest: f"{plus}{code}{rest}",
    st.sampled_from(["+", "", "00", "+ "]),
    st.sampled_from(sorted(COUNTRY_CODE_TO_REGION_CODE)),
    st.text("0123456789", min_size=3, max_size=13),
)


@settings(max_examples=500)
@given(_NUMBERS)
def test_every_number_is_read_the_same(text: str) -> None:
    assert outcome(phones.phone, text) == outcome(normalise_phone, text)


def test_the_example_of_every_region_is_read_the_same() -> None:
    for region in SUPPORTED_REGIONS:
        number = example_number(region)
        if number is not None:
            text = format_number(number, PhoneNumberFormat.E164)
            assert outcome(phones.phone, text) == outcome(normalise_phone, text) == text
