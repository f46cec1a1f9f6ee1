"""Of all that names an opt-out, exactly one message passes although its recipient has opted out."""

from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest

from services.sender.confirm import ConfirmationToSend, confirming, judge_confirmation, latest_write
from shared.confirmations import CONFIRMATION_WINDOW, confirmation_digest, confirmation_id
from shared.events.outbound import MessageRequested
from shared.events.suppression import (
    AccountSettingsPublished,
    AllowedConfirmation,
    ListPublished,
    PublishedConfirmation,
)
from shared.gate import Rejection
from shared.suppressions.account_settings import AccountSettings, DigestedAccountSettings, PartitionAccountSettings
from shared.suppressions.confirmable import ConfirmableOptOut
from shared.suppressions.fence_pass import WRITE_SECONDS
from shared.suppressions.lookup import SuppressionHit

HEARD = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOW = HEARD + timedelta(seconds=3)
BOOT = 1_000.0
CAUSE = UUID("24b6fe34-41a8-4052-aa12-0343c57102c9")
OTHER_CAUSE = UUID("24b6fe34-41a8-4052-aa12-0343c57102ca")
TEXT = "Acme: you are opted out and get no more messages."
NUMBER = "+18335550123"
EPOCH = "3b9e1f7a2c40d586"
ASKED = MessageRequested(
    account_id="acme", message_id=confirmation_id(CAUSE), list_id=7, phone="+14155550100", sender_number=NUMBER,
    body=TEXT, confirms_opt_out=CAUSE,
)  # fmt: skip
LEFT = SuppressionHit("list:7", "opted_out")


def opt_out(cause: UUID = CAUSE, scopes: frozenset[str] = frozenset(["list:7"]), **fields: Any) -> ConfirmableOptOut:
    allowed: dict[str, Any] = {
        "message_id": confirmation_id(cause),
        "list_id": 7,
        "sender_number": NUMBER,
        "body_sha256": confirmation_digest(TEXT),
        "received_at": HEARD,
    }
    return ConfirmableOptOut(cause, scopes, AllowedConfirmation(**{**allowed, **fields}))


def account(*texts: PublishedConfirmation, list_id: int = 7) -> AccountSettings:
    account_settings = PartitionAccountSettings()
    account_settings.prove(EPOCH, None)
    published = AccountSettingsPublished(
        account_id="acme", epoch=EPOCH, policy="reject", exempts_conversational=False, words={},
        opt_out_confirmations=texts,
    )  # fmt: skip
    account_settings.apply(DigestedAccountSettings(published, 1))
    account_settings.apply(
        DigestedAccountSettings(ListPublished(account_id="acme", list_id=list_id, epoch=EPOCH, exists=True), 2)
    )
    return account_settings.of("acme")


ON = PublishedConfirmation(country="US", text=TEXT)
ACCOUNT = account(ON)


def said(request: MessageRequested = ASKED, **given: Any) -> Any:
    usual = {"hits": [LEFT], "opt_out": opt_out(), "account": ACCOUNT, "now": NOW, "now_boottime": BOOT}
    return judge_confirmation(request, **{**usual, **given})


def reason(found: Any) -> str:
    assert isinstance(found, Rejection)
    return found.reason


def test_the_one_confirmation_passes_until_five_minutes_after_the_opt_out() -> None:
    passed = said()
    assert isinstance(passed, ConfirmationToSend)
    assert dict(passed) == {**dict(ASKED), "write_by": BOOT + 300 - 3 - WRITE_SECONDS}
    assert latest_write(passed) == passed.write_by


@pytest.mark.parametrize(
    "forged",
    [
        {"message_id": "confirmation-of-mine"},
        {"message_id": confirmation_id(OTHER_CAUSE)},
        {"confirms_opt_out": OTHER_CAUSE},
        {"confirms_opt_out": OTHER_CAUSE, "message_id": confirmation_id(OTHER_CAUSE)},
        {"body": TEXT + " Come back for 20% off!"},
        {"body": TEXT + " "},
        {"sender_number": "+18335550999"},
        {"list_id": 8},
        {"also_lists": (8,)},
        {"send_at": HEARD},
        {"valid_until": NOW},
    ],
    ids=str,
)
def test_a_forged_one_is_suppressed_like_any_other_message(forged: dict[str, Any]) -> None:
    assert said(ASKED.model_copy(update=forged)) == LEFT


@pytest.mark.parametrize(
    "given",
    [
        {"opt_out": None},
        {"account": account()},
        {"account": account(ON.model_copy(update={"country": "CA"}))},
        {"account": account(ON.model_copy(update={"text": "Acme: another text."}))},
        {"account": account(ON.model_copy(update={"sender_number": "+18335550999"}))},
        {"account": AccountSettings(None, MappingProxyType({}), EPOCH)},
        {"opt_out": opt_out(OTHER_CAUSE)},
        {"opt_out": opt_out(list_id=None)},
        {"opt_out": opt_out(body_sha256=confirmation_digest("Acme: the text of that moment."))},
    ],
    ids=[
        "not known, as after a restart", "switched off", "another country", "another text now", "another number",
        "an unknown account", "another opt-out since", "of no list that is known", "not the text of that moment",
    ],
)  # fmt: skip
def test_without_the_opt_out_services_word_and_the_accounts_it_is_suppressed(given: dict[str, Any]) -> None:
    assert said(**given) == LEFT


@pytest.mark.parametrize(
    "other",
    [
        SuppressionHit("account", "opted_out"),
        SuppressionHit(f"sender:{NUMBER}", "opted_out"),
        SuppressionHit("list:7", "held"),
    ],
)
def test_what_else_suppresses_the_recipient_keeps_the_silence(other: SuppressionHit) -> None:
    assert said(hits=[LEFT, other]) == other


def test_all_that_the_opt_out_itself_left_may_suppress_the_recipient() -> None:
    hits = [LEFT, SuppressionHit("account", "opted_out")]
    assert isinstance(said(hits=hits, opt_out=opt_out(scopes=frozenset(["list:7", "account"]))), ConfirmationToSend)


def test_before_the_opt_out_is_in_effect_and_after_an_opt_in_nothing_goes() -> None:
    assert reason(said(hits=[])) == "not_confirmable"
    assert reason(said(hits=[], opt_out=None)) == "not_confirmable"


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=1), timedelta(minutes=1), timedelta(days=9)])
def test_more_than_five_minutes_later_nothing_goes(late: timedelta) -> None:
    assert reason(said(now=HEARD + CONFIRMATION_WINDOW + late)) == "too_late"


def test_an_opt_out_from_the_future_is_not_confirmed() -> None:
    assert reason(said(now=HEARD - timedelta(minutes=1))) == "too_late"


def test_a_list_that_is_gone_gets_none() -> None:
    assert reason(said(account=account(ON, list_id=8))) == "unknown_list"


def test_what_was_not_let_pass_cannot_leave() -> None:
    with pytest.raises(AssertionError):
        latest_write(ASKED)
    assert latest_write(ASKED.model_copy(update={"confirms_opt_out": None})) == float("inf")
    assert confirming([ASKED, ASKED.model_copy(update={"confirms_opt_out": None})]) == [ASKED]
