from typing import Any

import pytest

from stopline_pytest.outcomes import Outcome, outcome_of, requests_for, waiting_for
from stopline_pytest.topic_log import Seen


def seen(kind: str, message_id: str = "m-1", **fields: Any) -> Seen:
    return Seen(0.0, {"type": kind, "message_id": message_id, **fields})


def test_waiting_and_dispatching_are_not_outcomes() -> None:
    events = [seen("message_requested"), seen("message_waiting"), seen("message_dispatching")]
    assert outcome_of(events, "m-1") is None


def test_the_outcome_is_that_of_the_message_and_no_others() -> None:
    events = [seen("message_sent", "m-2"), seen("message_suppressed", scope="list:7", state="opted_out")]
    found = outcome_of(events, "m-1")
    assert found == Outcome("m-1", "suppressed", events[1].event)
    assert (found.scope, str(found)) == ("list:7", "suppressed (scope list:7, state opted_out)")


def test_an_unknown_outcome_is_one_until_its_receipt_has_come() -> None:
    events = [seen("message_dispatching"), seen("message_outcome_unknown")]
    assert outcome_of(events, "m-1") == Outcome("m-1", "unknown", events[1].event)
    events.append(seen("message_sent"))
    assert outcome_of(events, "m-1") == Outcome("m-1", "sent", events[2].event)


@pytest.mark.parametrize(
    ("canonical", "written"),
    [
        ("+447700900123", "+44 (0)7700 900123"),
        ("+525512345678", "+5215512345678"),
        ("+14165550100", "001 416 555-0100"),
        ("+14165550100", "tel:+1-416-555-0100;ext=27"),
        ("+14165550100", "+1 416 555 0100 x27"),
        ("+14165550100", "+\u0661\u0664\u0661\u0666\u0665\u0665\u0665\u0660\u0661\u0660\u0660"),
        ("+14165550100", "\uff0b\uff11\uff14\uff11\uff16\uff15\uff15\uff15\uff10\uff11\uff10\uff10"),
        ("+5492966423456", "+54 2966 15 423456"),
    ],
)
def test_requests_count_in_whatever_spelling_their_producer_wrote_them(canonical: str, written: str) -> None:
    events = [seen("message_requested", phone=written), seen("message_requested", "m-2", phone="+14165559999")]
    assert [event["message_id"] for event in requests_for(events, canonical)] == ["m-1"]


def test_an_error_says_what_a_message_waits_for() -> None:
    events = [seen("message_requested"), seen("message_waiting", until="2026-12-01T09:00:00Z", reason="send_at")]
    assert waiting_for(events, "m-1") == "it waits until 2026-12-01T09:00:00Z (send_at)"
    assert "nothing was requested" in waiting_for(events, "m-9")
