"""What the hours of recipients make of a message: it leaves, waits, or never could; by its purpose and its validity."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.sender.hours import RecipientsHours
from services.sender.timing import Timing, Untimely, Wait, departure
from services.sender.waiting.clock import DepartureClock
from shared.events.outbound import MessageRequested
from shared.events.suppression import AccountSettingsPublished
from shared.fair_hours.sending_hours import SendingHours
from shared.suppressions.account_settings import AccountSettings

NIGHT = datetime(2026, 6, 9, 3, 30, tzinfo=UTC)  # Monday, 23:30 in New York and 22:30 in Chicago
NOON = NIGHT + timedelta(hours=12, minutes=30)
OPENS = datetime(2026, 6, 9, 12, 0, 1, tzinfo=UTC)  # 8:00:01 in New York
MARKETING, ALL = SendingHours(applies_to="marketing"), SendingHours(applies_to="all")


def account(hours: SendingHours | None) -> AccountSettings:
    published = AccountSettingsPublished(
        account_id="acme", epoch="e" * 16, policy="reject", exempts_conversational=False, words={}, sending_hours=hours
    )
    return AccountSettings(published, {}, published.epoch)


def asked(**changes: Any) -> MessageRequested:
    fields = {
        "account_id": "acme", "message_id": "m-1", "list_id": 7, "phone": "+12125550100", "sender_number": "ACME",
        "body": "Hi. Reply STOP to opt out",
    }  # fmt: skip
    return MessageRequested(**{**fields, **changes})


def timing(hours: SendingHours | None, now: datetime = NIGHT, **changes: Any) -> Timing:
    request = asked(**changes)
    return departure(request, [RecipientsHours(lambda: now).earliest(request, account(hours), now)], now)


def test_a_message_at_night_waits_for_the_morning_and_names_the_rule() -> None:
    assert timing(MARKETING) == Wait(OPENS, "quiet_hours:us-federal.1")
    assert timing(MARKETING, recipient_state="US-TX", recipient_zone="America/New_York") == Wait(
        OPENS + timedelta(hours=1), "quiet_hours:us-tx.1"
    )
    assert timing(MARKETING, NOON) is None


@pytest.mark.parametrize(
    ("hours", "purpose", "conversational", "waits"),
    [
        (None, "marketing", False, False),
        (SendingHours(), "marketing", False, False),
        (MARKETING, "marketing", False, True),
        (MARKETING, "marketing", True, True),
        (MARKETING, None, False, True),
        (MARKETING, None, True, False),
        (MARKETING, "transactional", False, False),
        (ALL, "transactional", False, True),
        (ALL, None, True, True),
    ],
)
def test_which_messages_keep_the_hours(
    hours: SendingHours | None,
    purpose: str | None,
    conversational: bool,  # noqa: FBT001
    waits: bool,  # noqa: FBT001
) -> None:
    assert (timing(hours, purpose=purpose, conversational=conversational) is not None) is waits


def test_the_answer_to_an_opt_out_waits_for_nothing() -> None:
    assert timing(ALL, confirms_opt_out=uuid4()) is None


def test_a_message_of_an_account_that_is_not_known_waits_for_nothing() -> None:
    assert RecipientsHours(lambda: NIGHT).earliest(asked(), AccountSettings(None, {}, None), NIGHT) is None


@pytest.mark.parametrize("hours", [None, SendingHours(), MARKETING, ALL])
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"recipient_state": "Texas"}, "recipient_state: 'Texas' is not a code of ISO 3166-2"),
        ({"recipient_state": ""}, "recipient_state"),
        ({"recipient_zone": "Mars/Base"}, "recipient_zone: 'Mars/Base' is not an IANA time zone"),
        ({"recipient_zone": "Mars/Base", "purpose": "transactional"}, "recipient_zone"),
        ({"recipient_state": "US-TX", "recipient_zone": ""}, "recipient_zone"),
    ],
)
def test_a_place_that_does_not_exist_is_rejected_whatever_the_account_has_set(
    hours: SendingHours | None, changes: dict[str, Any], says: str
) -> None:
    for now in (NIGHT, NOON):
        found = timing(hours, now, **changes)
        assert isinstance(found, Untimely)
        assert (found.reason, says in found.detail) == ("unknown_place", True)


def test_a_message_whose_validity_ends_before_the_hours_begin_is_rejected_at_once() -> None:
    found = timing(MARKETING, valid_until=OPENS)
    assert isinstance(found, Untimely)
    assert found.reason == "expired"
    assert "quiet_hours:us-federal.1" in found.detail
    assert timing(MARKETING, valid_until=OPENS + timedelta(seconds=1)) == Wait(OPENS, "quiet_hours:us-federal.1")


def test_a_recipient_whose_places_have_no_common_hour_is_named() -> None:
    narrow = SendingHours(applies_to="all", own={"mon-sun": "09:00-12:00"})
    found = timing(narrow, NOON, phone="+79161234567")
    assert isinstance(found, Untimely)
    assert found.reason == "no_sending_hours"
    assert "name recipient_zone" in found.detail
    assert timing(narrow, NIGHT, phone="+79161234567", recipient_zone="Asia/Kamchatka") is not None


def test_changed_settings_count_at_once() -> None:
    rule = RecipientsHours(lambda: NIGHT)
    assert rule.earliest(asked(), account(MARKETING), NIGHT) is not None
    assert rule.earliest(asked(), account(SendingHours(applies_to="off")), NIGHT) is None
    later = SendingHours(applies_to="marketing", own={"mon-sun": "10:00-18:00"})
    assert rule.earliest(asked(), account(later), NIGHT) == Wait(OPENS + timedelta(hours=2), "quiet_hours:account:own")
    assert rule.earliest(asked(), account(None), NIGHT) is None


def test_a_decision_in_the_last_two_seconds_of_the_hours_has_the_message_wait() -> None:
    ends = datetime(2026, 6, 9, 1, 0, tzinfo=UTC)  # 21:00 in New York
    assert timing(MARKETING, ends - timedelta(seconds=2, microseconds=1)) is None
    assert timing(MARKETING, ends - timedelta(seconds=2)) == Wait(OPENS, "quiet_hours:us-federal.1")


def test_of_two_clocks_that_differ_both_have_to_be_within_the_hours() -> None:
    ends = datetime(2026, 6, 9, 1, 0, tzinfo=UTC)  # 21:00 in New York
    before, after = ends - timedelta(minutes=1), ends + timedelta(minutes=1)
    assert RecipientsHours(lambda: before).earliest(asked(), account(MARKETING), before) is None
    expected = Wait(OPENS, "quiet_hours:us-federal.1")
    assert RecipientsHours(lambda: after).earliest(asked(), account(MARKETING), before) == expected
    assert RecipientsHours(lambda: OPENS).earliest(asked(), account(MARKETING), after) == expected


def test_the_latest_clock_is_the_databases_where_that_is_ahead_and_else_the_machines() -> None:
    clock = DepartureClock()
    now = clock.now()
    assert now == clock.latest()
    clock.note(datetime.now(UTC) + timedelta(minutes=5))
    now = clock.now()
    assert timedelta(minutes=4) < clock.latest() - now < timedelta(minutes=6)
    clock.note(datetime.now(UTC) - timedelta(minutes=5))
    now = clock.now()
    assert timedelta(minutes=4) < clock.latest() - now < timedelta(minutes=6)
    assert clock.latest() <= datetime.now(UTC)
