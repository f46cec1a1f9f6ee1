"""Which opt-outs may be confirmed: those whose own record says so, until anything else changes about the recipient."""

from datetime import timedelta
from uuid import UUID

import pytest
from suppression_records import CAUSE, PARTITIONS, changed, phone_in, record_of

from shared.confirmations import confirmation_id
from shared.events.base import derived_id
from shared.events.suppression import AllowedConfirmation, SuppressionChanged
from shared.suppressions.confirmable import ConfirmableOptOut, ConfirmableOptOuts
from shared.suppressions.keys import cache_key
from shared.suppressions.lookup import query
from shared.suppressions.snapshot import Origin
from shared.suppressions.state import CacheState

PHONE = phone_in(0)
KEY = cache_key(0, PHONE)
OTHER = derived_id(CAUSE, "another")
PLAIN = changed(PHONE)


def confirmed(scope: str = "list:1", cause: UUID = CAUSE, minutes: float = 0) -> SuppressionChanged:
    at = PLAIN.changed_at + timedelta(minutes=minutes)
    allowed = AllowedConfirmation(
        message_id=confirmation_id(cause), sender_number="+18335550123", body_sha256="0" * 64, received_at=at
    )
    more = {"scope": scope, "cause_event_id": cause, "confirmation": allowed, "changed_at": at}
    return PLAIN.model_copy(update=more)


ALLOWED = AllowedConfirmation(
    message_id=confirmation_id(CAUSE), sender_number="+18335550123", body_sha256="0" * 64, received_at=PLAIN.changed_at
)


async def after(*events: SuppressionChanged) -> ConfirmableOptOut | None:
    state = CacheState(Origin("id", "suppressions", PARTITIONS))
    records = [record_of(event, offset) for offset, event in enumerate(events)]
    await state.partitions[0].apply(records, len(records))  # type: ignore[arg-type]  # fields that nobody asks for
    hit = state.cache.hits([query(events[-1].account_id, (events[-1].scope,), 0, PHONE)])[0]
    assert (hit is None) == (events[-1].state == "opted_in")  # the state counts in any case
    return state.confirmable.get("acme", KEY)


async def test_an_opt_out_that_may_be_confirmed_has_all_the_scopes_that_it_left() -> None:
    assert await after(confirmed("list:1"), confirmed("account")) == ConfirmableOptOut(
        CAUSE, frozenset(["list:1", "account"]), ALLOWED
    )


async def test_an_opt_out_without_a_confirmation_may_not_be_confirmed() -> None:
    assert await after(PLAIN) is None


@pytest.mark.parametrize(
    "later",
    [
        changed(PHONE, "opted_in"),
        changed(PHONE, "held", scope="list:2"),
        changed(PHONE, scope="sender:+18335550123"),
        changed(PHONE, scope="account"),
        PLAIN,
    ],
    ids=["an opt-in", "a held reply", "a carrier's block", "an opt-out of the account", "published again, without it"],
)
async def test_whatever_changes_after_it_ends_it(later: SuppressionChanged) -> None:
    assert await after(confirmed(), later) is None


async def test_another_opt_out_takes_its_place() -> None:
    found = await after(confirmed("list:1"), confirmed("list:2", OTHER))
    assert found is not None
    assert (found.cause_event_id, found.scopes) == (OTHER, frozenset(["list:2"]))


async def test_another_accounts_opt_in_ends_nothing() -> None:
    assert await after(confirmed(), changed(phone_in(0), "opted_in", account_id="other", scope="list:1")) is not None


def test_over_the_limit_the_oldest_are_forgotten() -> None:
    kept = ConfirmableOptOuts(limit=2)
    for number in range(3):
        kept.note(number, confirmed())
    assert [kept.get("acme", number) is not None for number in range(3)] == [False, True, True]


def test_those_whose_time_is_over_take_no_room() -> None:
    kept = ConfirmableOptOuts()
    kept.note(1, confirmed())
    kept.note(2, confirmed(minutes=6))
    assert len(kept) == 1
