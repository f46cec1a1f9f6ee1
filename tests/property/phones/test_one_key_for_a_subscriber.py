"""Whichever way a subscriber's number is written, it is one key; no two subscribers share one."""

import random
import re
from collections.abc import Iterator

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, SUPPORTED_REGIONS, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from shared.phones import normalise_phone, readings
from shared.phones.canonical import MIN_DIGITS, _long_way, is_plainly_canonical
from shared.phones.equivalents import MOVED
from shared.phones.writing import read_digits

E164 = PhoneNumberFormat.E164
REGIONS = sorted(SUPPORTED_REGIONS)
NETWORKS = sorted(code for code, regions in COUNTRY_CODE_TO_REGION_CODE.items() if regions == ("001",))
OTHERS_OF_A_REGION = 5


def format_number(number: PhoneNumber, form: int = E164) -> str:
    return str(phonenumbers.format_number(number, form))


def examples(region: str) -> Iterator[PhoneNumber]:
    """Give libphonenumber's example of every type of number, and some numbers beside each."""
    chance = random.Random(region)  # noqa: S311 (the same numbers in every run)
    for kind in PhoneNumberType.values():
        number = phonenumbers.example_number_for_type(region, kind)
        if number is None or len(text := format_number(number)) <= MIN_DIGITS:
            continue
        yield number
        for _ in range(OTHERS_OF_A_REGION):
            other = phonenumbers.parse(text[:-3] + f"{chance.randrange(1000):03d}")
            if phonenumbers.is_valid_number(other):
                yield other


def spellings(number: PhoneNumber, region: str) -> Iterator[str]:
    text = format_number(number)
    digits = text[1:]
    code, national = str(number.country_code), phonenumbers.national_significant_number(number)
    international = format_number(number, PhoneNumberFormat.INTERNATIONAL)
    yield from (text, digits, f"00{digits}", f" {text} ", f"tel:{text}", f"{text};ext=12", f"{text} ext. 7")
    yield from (international, format_number(number, PhoneNumberFormat.RFC3966))
    yield from ("/".join(international.split()), f"\u200e{text}\u200f", "\u200b".join(text), f"+{code}\u00a0{national}")
    yield f"+{code} ({national[:2]}) {national[2:4]}-{national[4:]}"
    for zero in ("\uff10", "\u0660", "\u06f0", "\u0966"):  # full-width, Arabic-Indic, Persian, Devanagari
        yield "".join(chr(ord(zero) + int(each)) if each.isdigit() else each for each in text)
    if prefix := phonenumbers.ndd_prefix_for_region(region, True):
        yield from (f"+{code}{prefix}{national}", f"+{code} ({prefix}) {national}", f"00{code} ({prefix}){national}")


@pytest.mark.parametrize("region", REGIONS)
def test_every_way_to_write_a_number_of_a_region_is_one_key(region: str) -> None:
    for number in examples(region):
        keys = {spelling: normalise_phone(spelling) for spelling in spellings(number, region)}
        assert len(set(keys.values())) == 1, keys


@pytest.mark.parametrize("region", REGIONS)
def test_a_national_number_is_read_by_its_country(region: str) -> None:
    for number in examples(region):
        text = format_number(number, PhoneNumberFormat.NATIONAL)
        if not re.search("[A-Za-z]", text):
            assert normalise_phone(format_number(number)) in readings(read_digits(text), region), text


@pytest.mark.parametrize("code", NETWORKS)
def test_numbers_of_networks_without_a_country_stay_as_they_are(code: int) -> None:
    text = format_number(phonenumbers.example_number_for_non_geo_entity(code))
    assert normalise_phone(text) == normalise_phone(text[1:]) == text


def test_no_two_subscribers_share_a_key() -> None:
    """Gabon's are left out: libphonenumber has an old form of some numbers beside the new one."""
    numbers = {format_number(number) for region in REGIONS if region != "GA" for number in examples(region)}
    assert len(numbers) > 5_000
    assert {normalise_phone(text) for text in numbers} == numbers


_OLD_AND_NEW = [
    ("+52 1 55 1234 5678", "+525512345678"),
    ("+52 044 55 1234 5678", "+525512345678"),
    ("+54 11 15 2345-6789", "+5491123456789"),
    ("+54 9 11 15 2345-6789", "+5491123456789"),
    ("+54 (0)2966 15 612345", "+5492966612345"),
    ("+55 11 8765-4321", "+5511987654321"),
    ("+55 (0)11 98765-4321", "+5511987654321"),
    ("+55 0 15 11 98765-4321", "+5511987654321"),
    ("+57 1 2345678", "+576012345678"),
    ("+84 120 1234567", "+84701234567"),
    ("+84 (0)169 1234567", "+84391234567"),
    ("+225 07 12 34 56", "+2250707123456"),
    ("+225 45 12 34 56", "+2250545123456"),
    ("+225 40 12 34 56", "+2250140123456"),
    ("+229 97 12 34 56", "+2290197123456"),
    ("+237 77 12 34 56", "+237677123456"),
    ("+241 07 12 34 56", "+24177123456"),
    ("+241 077 12 34 56", "+24177123456"),
    ("+44 (0)7700 900123", "+447700900123"),
    ("+7 8 916 123-45-67", "+79161234567"),
    ("+36 06 20 123 4567", "+36201234567"),
    ("+370 8 612 34567", "+37061234567"),
    ("+39 06 1234 5678", "+390612345678"),
    ("+378 0549 886377", "+3780549886377"),
    ("+242 06 612 3456", "+242066123456"),
]


@pytest.mark.parametrize(("old", "new"), _OLD_AND_NEW)
def test_an_older_form_is_the_number_of_today(old: str, new: str) -> None:
    assert normalise_phone(old) == normalise_phone(new) == new


@pytest.mark.parametrize("text", ["+39612345678", "+551123456789", "+551178912345", "+541123456789", "+24101441234"])
def test_what_may_be_somebody_else_stays_apart(text: str) -> None:
    assert normalise_phone(text) == text


@pytest.mark.parametrize("text", ["+99912345678", "+21012345678901", "+883510012345", "+881612345678"])
def test_a_plan_that_is_not_known_is_not_a_reason_to_refuse(text: str) -> None:
    assert normalise_phone(text) == text


@settings(max_examples=300)
@given(st.data())
def test_an_older_form_leads_to_a_number_that_is_not_one(data: st.DataObject) -> None:
    code, rules = data.draw(st.sampled_from(sorted(MOVED.items())))
    old, _ = data.draw(st.sampled_from(rules))
    try:
        phone = normalise_phone(f"+{code}{data.draw(st.from_regex(old, fullmatch=True, alphabet='0123456789'))}")
    except ValueError:
        return
    national = phone.removeprefix(f"+{code}")
    assert not any(pattern.fullmatch(national) for pattern, _ in rules)
    assert normalise_phone(phone) == phone


_NUMBERS = st.builds(
    lambda code, rest: f"{code}{rest}",
    st.sampled_from(sorted(COUNTRY_CODE_TO_REGION_CODE)),
    st.text("0123456789", min_size=3, max_size=12),
)


@settings(max_examples=2_000)
@given(_NUMBERS)
def test_the_short_way_and_the_long_way_give_one_answer(digits: str) -> None:
    if len(digits) >= MIN_DIGITS and is_plainly_canonical(digits):
        assert _long_way(digits) == f"+{digits}"


@settings(max_examples=2_000)
@given(_NUMBERS)
def test_a_canonical_number_is_its_own(digits: str) -> None:
    try:
        phone = normalise_phone(digits)
    except ValueError:
        return
    assert normalise_phone(phone) == phone
