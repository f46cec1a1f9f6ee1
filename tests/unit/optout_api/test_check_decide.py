"""The decision of a check: what is not named counts as any, every reading of a phone counts, nothing hides another."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.optout.api.check.decide import (
    Cause,
    Decision,
    Message,
    PhoneReading,
    decide,
    queries_of,
    readings_of,
    to_look_up,
)
from services.optout.api.check.route import _phones
from shared.partitions import partition_of
from shared.suppressions.keys import cache_key
from shared.suppressions.lookup import SuppressionHit

PARTITIONS = 6
ONE, OTHER = "+14155550100", "+14155550101"
CAUSE = Cause("list:5", "opted_out", UUID(int=1), datetime(2026, 11, 24, tzinfo=UTC))
HIT = SuppressionHit("list:5", "opted_out")


def asked(*phones: str, list_id: int | None = 5, sender_number: str | None = "ACME", has_list: bool = True) -> Message:
    return Message(phones, list_id, sender_number, has_list=has_list)


def reading(number: int, phone: str) -> PhoneReading:
    return PhoneReading(number, phone, partition_of(phone, PARTITIONS))


def decided(
    messages: list[Message],
    hits: dict[str, SuppressionHit] | None = None,
    logged: dict[PhoneReading, Cause] | None = None,
) -> list[Decision]:
    readings = readings_of(messages, PARTITIONS)
    return decide(messages, readings, [(hits or {}).get(each.phone) for each in readings], logged or {})


def test_what_nothing_forbids_is_allowed_and_names_its_place() -> None:
    assert decided([asked(ONE)]) == [Decision(reading(0, ONE))]


def test_a_suppression_of_the_cache_forbids_whatever_the_decision_log_has() -> None:
    assert decided([asked(ONE)], {ONE: HIT}) == [Decision(reading(0, ONE), "opted_out", HIT)]


def test_a_suppression_of_the_decision_log_forbids_whatever_the_cache_has() -> None:
    (found,) = decided([asked(ONE)], logged={reading(0, ONE): CAUSE})
    assert (found.code, found.logged) == ("opted_out", CAUSE)


def test_held_is_as_forbidden() -> None:
    (found,) = decided([asked(ONE)], {ONE: SuppressionHit("account", "held")})
    assert found.code == "held"


@pytest.mark.parametrize("suppressed", [ONE, OTHER])
def test_of_a_phone_that_can_be_read_in_two_ways_either_forbids(suppressed: str) -> None:
    (found,) = decided([asked(ONE, OTHER)], {suppressed: HIT})
    assert (found.code, found.reading) == ("opted_out", reading(0, suppressed))


def test_a_phone_that_can_be_read_in_two_ways_is_decided_by_the_first_where_neither_forbids() -> None:
    assert decided([asked(ONE, OTHER)]) == [Decision(reading(0, ONE))]


def test_what_is_not_a_phone_and_another_accounts_list_are_not_allowed_and_not_looked_up() -> None:
    messages = [asked(), asked(ONE, has_list=False), asked(OTHER)]
    assert readings_of(messages, PARTITIONS) == [reading(2, OTHER)]
    assert [each.code for each in decided(messages)] == ["not_a_phone", "no_such_list", None]


def test_each_message_has_its_own_decision_in_its_own_place() -> None:
    messages = [asked(ONE), asked(OTHER), asked(ONE)]
    assert [each.code for each in decided(messages, {OTHER: HIT})] == [None, "opted_out", None]


def test_the_cache_is_asked_in_the_scopes_that_the_sender_asks() -> None:
    messages = [asked(ONE), asked(ONE, sender_number=None), asked(ONE, list_id=None)]
    queries = queries_of("acme", messages, readings_of(messages, PARTITIONS))
    assert [scopes for _, scopes, _ in queries] == [
        ("list:5", "account", "sender:ACME"),
        ("list:5", "account"),
        ("account", "sender:ACME"),
    ]
    assert {key for _, _, key in queries} == {cache_key(partition_of(ONE, PARTITIONS), ONE)}


def test_the_decision_log_is_asked_for_causes_and_for_scopes_that_were_left_open() -> None:
    messages = [asked(ONE), asked(OTHER), asked(ONE, sender_number=None), asked(ONE, list_id=None)]
    readings = readings_of(messages, PARTITIONS)
    wanted = to_look_up(messages, readings, [None, HIT, None, None])
    assert [each.number for each in wanted] == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "country", "phones"),
    [
        ("+14155550100", None, ("+14155550100",)),
        ("(415) 555-0100", "US", ("+14155550100",)),
        ("1 415 555 0100", "US", ("+14155550100",)),
        ("4155550100", None, ()),
        ("not a phone", "US", ()),
        ("1.4155E+10", "US", ()),
        ("", "US", ()),
    ],
)
def test_a_phone_is_read_as_a_contacts_is(text: str, country: str | None, phones: tuple[str, ...]) -> None:
    assert _phones(text, country) == phones


def test_every_reading_of_a_number_that_can_be_read_in_two_ways_is_checked() -> None:
    assert _phones("+541112345678", None) == ("+541112345678", "+5491112345678")
