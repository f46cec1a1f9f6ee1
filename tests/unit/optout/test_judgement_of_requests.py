"""What is around a request decides what it is worth; what its writer did not write is not read."""

import pytest

from services.optout.rules import DEFAULT_RULES, RuleSet, VersionedRule
from services.optout.rules.normalised_reply import normalise_reply

RULES = RuleSet([VersionedRule(n, 1, rule) for n, rule in enumerate(DEFAULT_RULES, 1)])
ASKED = "Sale today. Reply STOP to opt out"


@pytest.mark.parametrize(
    "text",
    [
        "don't unsubscribe me",  # the opposite
        "my wife told me to stop texting her",  # somebody else's
        "unsubscribe me from Hulu",  # another matter
        "Thanks for your message. Reply STOP to unsubscribe.",  # an offer
    ],
)
def test_a_request_that_is_turned_another_persons_about_another_thing_or_an_offer_is_none(text: str) -> None:
    assert RULES.match(text, answered_text=ASKED).kind == "none"
    assert RULES.match(text).kind == "none"


def test_what_a_request_is_about_is_certain_only_where_it_is_messages_or_lists() -> None:
    for text in ("take me off your list", "unsubscribe me from all texts", "unsubscribe me"):
        assert RULES.match(text, answered_text=ASKED).kind == "opt_out", text
    assert RULES.match("please unsubscribe me from Fluffernut", answered_text=ASKED).kind == "held"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("BEGIN:VCARD\nN:Stop;Bob\nEND:VCARD", ""),
        ("BEGIN:VCARD\nN:Stop;Bob", ""),
        ("STOP\n> Sale today. Reply END", "stop"),
        ("STOP\nOn Mon, Acme wrote:\n> Sale", "stop"),
        ("> STOP", "stop"),
        ("Stop exclamation point", "stop"),
        ("stop full stop period", "stop"),
        ("the bus came to rest at the full stop", "the bus came to rest at the full stop"),
    ],
)
def test_cards_quoted_lines_and_dictated_marks_are_not_read(text: str, read: str) -> None:
    assert normalise_reply(text).text == read
