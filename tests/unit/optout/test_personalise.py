"""Placeholders of a campaign become the fields of each contact, in all of ClickSend's spellings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.optout.campaigns.personalise import personalised

PHONE = "+14155550100"
LIMIT = 1_530
FIELDS = {"first_name": "Ann", "last_name": " Lee ", "custom_1": "A12", "custom_2": 698, "plan": "gold", "vip": True}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi (First Name), invoice (Cust. 1): (Cust. 2)", "Hi Ann, invoice A12: 698"),
        ("Hi {FirstName} {LastName}, {CustomString1}", "Hi Ann Lee, A12"),
        ("{first_name}|(last name)|{custom_1}|(Custom 1)|{custom1}", "Ann|Lee|A12|A12|A12"),
        ("{phone}, {Phone Number}", f"{PHONE}, {PHONE}"),
        ("your plan: {plan}", "your plan: gold"),
        ("{email}{custom_4}{unknown_field}{vip}", ""),
        ("by phone (see website) {see below} (plan) ()", "by phone (see website) {see below} (plan) ()"),
        ("(a (First Name) b)", "(a Ann b)"),
        ("{first_name", "{first_name"),
        ("{first_name}: {{opt_out_link}} or {{ opt_out_link }}", "Ann: {{opt_out_link}} or {{ opt_out_link }}"),
    ],
)
def test_a_placeholder_becomes_the_contacts_field_and_all_else_is_text(text: str, expected: str) -> None:
    assert personalised(text, PHONE, FIELDS, LIMIT) == expected


def test_what_a_field_holds_is_not_read_as_a_placeholder() -> None:
    fields = {"first_name": "{last_name}(Last Name)", "last_name": "Lee"}
    assert personalised("{first_name}", PHONE, fields, LIMIT) == "{last_name}(Last Name)"


@given(st.text(), st.dictionaries(st.text(), st.none() | st.booleans() | st.floats() | st.text() | st.lists(st.text())))
def test_any_text_and_any_fields_give_a_text(text: str, fields: dict[str, object]) -> None:
    assert "\0" not in personalised(f"{{first_name}}{text}".replace("\0", ""), PHONE, fields, LIMIT)


def test_a_text_that_is_too_long_is_not_written_to_its_end() -> None:
    text = personalised("{a}" * 510, PHONE, {"a": "x" * 1_000}, LIMIT)
    assert LIMIT < len(text) <= LIMIT + 1_000


@given(st.lists(st.sampled_from(["(First Name)", "{plan}", "a ", "{", "é"])), st.integers(0, 60))
def test_the_limit_changes_no_text_that_keeps_it(parts: list[str], limit: int) -> None:
    whole = personalised("".join(parts), PHONE, FIELDS, 10_000)
    text = personalised("".join(parts), PHONE, FIELDS, limit)
    assert text == whole if len(whole) <= limit else len(text) > limit
    assert whole.startswith(text)
