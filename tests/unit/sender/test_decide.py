"""What happens to a requested message, from its row and the cache's answer alone."""

from datetime import UTC, datetime

import pytest

from services.sender.decide import Await, Repeat, decide, known, queries_of, scopes_of
from services.sender.fence_pass import FencePass
from services.sender.ledger.model import LedgerState, Row
from services.sender.suppressions.keys import partition_in
from services.sender.suppressions.lookup import SuppressionHit
from shared.events.outbound import MessageRequested
from shared.partitions import partition_of

AT = datetime(2026, 11, 24, 11, 13, tzinfo=UTC)
ASKED = MessageRequested(
    account_id="acme", message_id="m-1", list_id=7, phone="+14155550100", sender_number="ACME", body="Hi. STOP to end"
)


def row(state: LedgerState) -> Row:
    return Row("acme", "m-1", 7, "+14155550100", "ACME", state, None, AT, AT)


def test_a_message_that_the_ledger_does_not_know_has_to_be_decided() -> None:
    assert known(None) is None


def test_a_message_that_was_given_back_has_to_be_decided_again() -> None:
    assert known(row("pending")) is None


def test_a_message_whose_call_is_under_way_is_left_alone() -> None:
    assert known(row("dispatching")) == Await()


@pytest.mark.parametrize("state", ["sent", "failed", "unknown", "suppressed"])
def test_a_message_that_has_its_outcome_is_only_published_again(state: LedgerState) -> None:
    assert known(row(state)) == Repeat(row(state))


def test_a_message_is_sent_unless_something_forbids_it() -> None:
    forbids, other = SuppressionHit("account", "opted_out"), ASKED.model_copy(update={"message_id": "m-2"})
    assert decide(FencePass(AT, 0.0), [ASKED, other], [None, forbids]) == ([ASKED], [(other, forbids)])


def test_an_opt_out_from_the_list_the_account_or_the_sender_number_forbids_a_message() -> None:
    assert scopes_of(7, "ACME") == ("list:7", "account", "sender:ACME")


def test_the_cache_is_asked_at_the_partition_where_the_phones_stops_are() -> None:
    ((account_id, scopes, key),) = queries_of([ASKED], 6)
    assert (account_id, scopes) == ("acme", scopes_of(7, "ACME"))
    assert partition_in(key) == partition_of("+14155550100", 6)
