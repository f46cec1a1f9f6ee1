"""A leave-word with company: the table of the detector, line by line."""

import pytest

from services.optout.rules import DEFAULT_RULES, RuleSet, VersionedRule
from services.optout.rules.normalised_reply import normalise_reply

RULES = RuleSet([VersionedRule(n, 1, rule) for n, rule in enumerate(DEFAULT_RULES, 1)])
ASKED = "Sale today. Reply STOP to opt out"


@pytest.mark.parametrize(
    ("reply", "in_answer", "unasked"),
    [
        ("quit end quit", "opt_out", "held"),
        (" ".join(["stop"] * 40), "opt_out", "held"),
        ("stop help", "held", "held"),
        ("start stop", "held", "held"),
        ("Dream on. Quit2stop", "opt_out", "held"),
        ("Stop I own a cat now", "held", "none"),
        ("never in my life stop", "held", "none"),
        ("stop by at nine", "none", "none"),
        ("stop the war", "none", "none"),
        ("the bus stop", "none", "none"),
        ("does it stop?", "none", "none"),
    ],
)
def test_a_leave_word_with_company(reply: str, in_answer: str, unasked: str) -> None:
    assert (RULES.match(reply, answered_text=ASKED).kind, RULES.match(reply).kind) == (in_answer, unasked)


def test_a_word_that_the_message_asked_for_counts_at_an_end_of_the_reply() -> None:
    assert RULES.match("we are done here end", answered_text="Sale. Reply END to opt out").kind == "held"
    assert RULES.match("when the classes end", answered_text=ASKED).kind == "none"


@pytest.mark.parametrize("text", ["&quot;STOP&quot;", "STOP&nbsp;", "00530054004F0050", " 00530054004f0050\n"])
def test_what_a_gateway_has_escaped_is_read_as_it_was_written(text: str) -> None:
    assert normalise_reply(text).text == "stop"
    assert "escapes" in normalise_reply(text).steps


@pytest.mark.parametrize("text", ["0044123456789012", "123456781234", "00310032003300340035", "0000000000000000"])
def test_a_number_is_not_taken_for_escaped_text(text: str) -> None:
    assert normalise_reply(text).text == text
