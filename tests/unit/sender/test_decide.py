"""What happens to a requested message, from its row, the cache's hits and the fence alone."""

from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sender import metrics
from services.sender.decide import Decision, decide, queries_of
from services.sender.ledger.model import NOT_REQUESTED, LedgerState, Row, key_of
from services.sender.timing import Untimely, Wait
from shared.events.outbound import MessageRequested
from shared.gate import Rejection
from shared.kafka_connection import KafkaConnection
from shared.partitions import partition_of
from shared.scopes import forbidding_scopes
from shared.suppressions.fence_pass import FRESH_SECONDS, WRITE_SECONDS, FencePass
from shared.suppressions.follow import CacheFollower
from shared.suppressions.keys import partition_in
from shared.suppressions.lookup import CheckedSuppressions, SuppressionHit

AT = datetime(2026, 11, 24, 11, 13, tzinfo=UTC)
ASKED = MessageRequested(
    account_id="acme", message_id="m-1", list_id=7, phone="+14155550100", sender_number="ACME", body="Hi. STOP to end"
)


KEY = ("acme", "m-1")
BEGAN = 100.0
FENCED = FencePass(AT, BEGAN, dict.fromkeys(range(6), 0))
REJECTED = Rejection("no_way_out", "body: it does not say how to opt out")
FORBIDS = SuppressionHit("account", "opted_out")


def row(state: LedgerState, message_id: str = "m-1") -> Row:
    return Row("acme", message_id, 7, "+14155550100", "ACME", state, None, AT, AT)


def asked(number: int) -> MessageRequested:
    return ASKED.model_copy(update={"message_id": f"m-{number}"})


def checked(*hits: SuppressionHit | None) -> CheckedSuppressions:
    return CheckedSuppressions(FENCED, hits)


def test_a_message_that_the_ledger_does_not_know_has_to_be_decided() -> None:
    assert decide([ASKED], BEGAN) == Decision(needs_fence=[ASKED])


def test_a_message_that_was_given_back_has_to_be_decided_again() -> None:
    assert decide([ASKED], BEGAN, rows={KEY: row("pending")}) == Decision(needs_fence=[ASKED])


def test_a_message_whose_call_is_under_way_is_left_alone() -> None:
    assert decide([ASKED], BEGAN, rows={KEY: row("dispatching")}) == Decision(in_progress=[ASKED])


def test_a_message_that_waits_is_only_published_as_waiting_again() -> None:
    assert decide([ASKED], BEGAN, rows={KEY: row("waiting")}) == Decision(to_republish=[row("waiting")])


def test_a_message_that_has_to_wait_does_so_at_any_time_as_it_was_requested_but_an_opt_out_comes_first() -> None:
    other, late, wait = asked(2), asked(3), Wait(AT, "quiet_hours")
    over = Untimely("expired", "valid_until: too late")
    decision = decide(
        [ASKED, other, late], BEGAN + FRESH_SECONDS, checked=checked(None, FORBIDS, None), verdicts=[wait, wait, over]
    )
    assert decision == Decision(to_wait=[(ASKED, wait)], to_suppress=[(other, FORBIDS)], to_reject=[(late, over)])


def test_what_was_cancelled_before_it_came_is_published_with_its_phone() -> None:
    cancelled = row("rejected")._replace(phone=NOT_REQUESTED)
    assert decide([ASKED], BEGAN, rows={KEY: cancelled}) == Decision(to_republish=[row("rejected")])


@pytest.mark.parametrize("state", ["sent", "failed", "unknown", "suppressed", "rejected"])
def test_a_message_that_has_its_outcome_is_only_published_again(state: LedgerState) -> None:
    assert decide([ASKED], BEGAN, rows={KEY: row(state)}) == Decision(to_republish=[row(state)])


def test_what_the_gate_rejects_is_rejected_at_any_time_but_an_opt_out_comes_first() -> None:
    other = asked(2)
    decision = decide(
        [ASKED, other], BEGAN + FRESH_SECONDS, checked=checked(None, FORBIDS), verdicts=[REJECTED, REJECTED]
    )
    assert decision == Decision(to_reject=[(ASKED, REJECTED)], to_suppress=[(other, FORBIDS)])


def test_what_leaves_is_the_text_that_the_gate_lets_pass() -> None:
    longer = ASKED.model_copy(update={"body": "Hi. Reply STOP to opt out"})
    assert decide([ASKED], BEGAN, checked=checked(None), verdicts=[longer]) == Decision(to_send=[longer])


def test_nothing_leaves_that_the_gate_was_not_asked_about() -> None:
    assert decide([ASKED], BEGAN, checked=checked(None)) == Decision(needs_fence=[ASKED])


def test_a_message_is_sent_unless_something_forbids_it() -> None:
    other = asked(2)
    assert decide([ASKED, other], BEGAN, checked=checked(None, FORBIDS), verdicts=[ASKED, other]) == Decision(
        to_send=[ASKED], to_suppress=[(other, FORBIDS)]
    )


def test_a_fence_that_grew_too_old_sends_nothing_but_still_drops() -> None:
    other = asked(2)
    assert decide(
        [ASKED, other], BEGAN + FRESH_SECONDS, checked=checked(None, FORBIDS), verdicts=[ASKED, other]
    ) == Decision(needs_fence=[ASKED], to_suppress=[(other, FORBIDS)])


cases = st.tuples(
    st.none() | st.sampled_from(get_args(LedgerState)),
    st.none() | st.builds(SuppressionHit, st.just("account"), st.sampled_from(["opted_out", "held"])),
    st.booleans(),
)


@given(st.lists(cases, max_size=12), st.none() | st.sampled_from([0.0, 0.89, 0.91, 1.0, 50.0]))
def test_every_request_has_one_outcome_and_it_is_the_tables(
    known: list[tuple[LedgerState | None, SuppressionHit | None, bool]], age: float | None
) -> None:
    cases = [(asked(number), *each) for number, each in enumerate(known)]
    requests = [request for request, _, _, _ in cases]
    rows = {key_of(request): row(state, request.message_id) for request, state, _, _ in cases if state}
    hits = None if age is None else checked(*(hit for _, _, hit, _ in cases))
    judged = [] if age is None else [request if passes else REJECTED for request, _, _, passes in cases]
    decision = decide(requests, BEGAN + (age or 0), rows=rows, checked=hits, verdicts=judged)
    has_outcome = set(get_args(LedgerState)) - {"pending", "dispatching"}
    assert [each.key for each in decision.to_republish] == [
        key_of(each) for each, state, _, _ in cases if state in has_outcome
    ]
    assert decision.in_progress == [each for each, state, _, _ in cases if state == "dispatching"]
    to_decide = [(each, hit, passes) for each, state, hit, passes in cases if state in {None, "pending"}]
    if age is None:
        assert decision.needs_fence == [each for each, _, _ in to_decide]
        return
    assert decision.to_suppress == [(each, hit) for each, hit, _ in to_decide if hit is not None]
    assert decision.to_reject == [(each, REJECTED) for each, hit, passes in to_decide if hit is None and not passes]
    allowed = [each for each, hit, passes in to_decide if hit is None and passes]
    fresh = age < FRESH_SECONDS - WRITE_SECONDS
    assert (decision.to_send, decision.needs_fence) == ((allowed, []) if fresh else ([], allowed))


def test_a_check_of_other_messages_is_a_bug() -> None:
    with pytest.raises(ValueError, match="zip"):
        decide([ASKED], BEGAN, checked=checked(), verdicts=[ASKED])


def test_nobody_asks_the_cache_about_a_partition_that_no_fence_was_completed_for(tmp_path: Path) -> None:
    cache = CacheFollower(KafkaConnection("nowhere:9092"), 6, tmp_path, 300, metrics.CACHE)
    with pytest.raises(AssertionError, match="no fence"):
        cache.check(FencePass(AT, BEGAN, {0: 0, 1: 0}), queries_of([ASKED], 6))


def test_an_opt_out_from_the_list_the_account_or_the_sender_number_forbids_a_message() -> None:
    assert forbidding_scopes(7, "ACME") == ("list:7", "account", "sender:ACME")


def test_an_opt_out_from_another_list_that_the_request_names_forbids_it_too() -> None:
    asked = ASKED.model_copy(update={"also_lists": (8, 9)})
    ((_, scopes, _),) = queries_of([asked], 6)
    assert scopes == (*forbidding_scopes(asked.list_id, asked.sender_number), "list:8", "list:9")


def test_the_cache_is_asked_at_the_partition_where_the_phones_stops_are() -> None:
    ((account_id, scopes, key),) = queries_of([ASKED], 6)
    assert (account_id, scopes) == ("acme", forbidding_scopes(7, "ACME"))
    assert partition_in(key) == partition_of("+14155550100", 6)
