"""What was sent decides who wrote; where it does not, whoever may be meant is opted out, and nobody is opted in."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.optout.attribution import Attribution
from services.optout.decide import Held, OptIn, OptOut, Unchanged
from services.optout.rules import RuleMatch
from services.optout.writer_certainty import WriterCertainty, certainty, limited_by_certainty, readings_of
from shared.events.inbound import NOBODY, MessageReceived, as_reading

DUTCH, AMERICAN = "+3125550100", "+13125550100"
BOTH = (DUTCH, AMERICAN)


def message(phone: str, readings: tuple[str, ...] = BOTH, written: str | None = "3125550100") -> MessageReceived:
    event = MessageReceived(
        event_id=UUID(int=1, version=5),
        occurred_at=datetime(2026, 11, 24, 12, tzinfo=UTC),
        account_id="acme",
        gateway="generic",
        phone=(readings or (phone,))[0],
        readings=readings if len(readings) > 1 else (),
        written_phone=written,
        body="STOP",
    )
    return event if event.phone == phone else as_reading(event, phone)


@pytest.mark.parametrize(
    ("sent_to", "dutch", "american"),
    [
        ({AMERICAN}, "another", "certain"),
        ({DUTCH}, "certain", "another"),
        ({DUTCH, AMERICAN}, "possible", "possible"),
        (set(), "possible", "possible"),
    ],
)
def test_the_number_that_was_sent_to_wrote_else_both(
    sent_to: set[str], dutch: WriterCertainty, american: WriterCertainty
) -> None:
    found = [certainty(message(phone), BOTH, sent_to) for phone in BOTH]
    assert found == [dutch, american]


def test_a_number_that_said_its_country_wrote_whatever_was_sent() -> None:
    forms = ("+5491123456789", "+541123456789")
    as_written = message(forms[0], forms, written=None)
    other = message(forms[1], forms, written=None)
    assert certainty(as_written, forms, {forms[1]}) == "certain"
    assert certainty(other, forms, {forms[1]}) == "certain"
    assert certainty(other, forms, {forms[0]}) == "another"
    assert certainty(other, forms, set()) == "possible"


def test_the_accounts_country_is_a_reading_more() -> None:
    event = message(DUTCH, (DUTCH,))
    assert readings_of(event, None) == (DUTCH,)
    assert readings_of(event, "US") == BOTH
    assert AMERICAN not in readings_of(event, "NL")
    nobodys = message(f"{NOBODY}4155550100", (f"{NOBODY}4155550100",), "4155550100")
    assert readings_of(nobodys, None) == ()
    assert readings_of(nobodys, "US") == ("+14155550100",)
    assert certainty(nobodys, ("+14155550100",), set()) == "another"
    assert certainty(nobodys, (), set()) == "unknown"


ATTRIBUTION = Attribution("account")
MATCH = RuleMatch("opt_out", "stands_alone")


def test_only_what_forbids_sending_is_done_for_who_may_be_somebody_else() -> None:
    out = OptOut(MATCH, ATTRIBUTION, ("account",), (), ())
    held = Held(MATCH, ATTRIBUTION, ("account",))
    back = OptIn(MATCH, ATTRIBUTION, ("account",))
    nothing = Unchanged("no_rule", None, (), ATTRIBUTION)
    assert [limited_by_certainty(each, "certain") for each in (out, held, back)] == [out, held, back]
    assert [limited_by_certainty(each, "possible") for each in (out, held)] == [out, held]
    assert limited_by_certainty(back, "possible") == Unchanged("another_number")
    assert limited_by_certainty(nothing, "possible").follow_ups == ()
    assert {limited_by_certainty(each, "another") for each in (out, held, back)} == {Unchanged("another_number")}
