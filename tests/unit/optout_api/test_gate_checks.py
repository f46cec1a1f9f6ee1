"""An instruction is refused that would work nowhere, and the refusal says what to do."""

import pytest

from services.optout.api.errors import ApiError
from services.optout.api.gate_checks import check_instruction
from services.optout.rules import DEFAULT_RULES, Rule

OWN = Rule(name="Short code", sender_number="12345", match="exact", terms=("stop",), action="OPT_OUT")


def refused(instruction: str, *rules: Rule, makes_links: bool = False) -> str | None:
    try:
        check_instruction(instruction, [*DEFAULT_RULES, *rules], makes_links=makes_links)
    except ApiError as error:
        return error.code
    return None


@pytest.mark.parametrize("instruction", ["Opt out: {{opt_out_link}}", "Reply STOP or tap StopMsg.me/xxxxx"])
def test_a_link_is_refused_where_none_are_made_and_is_enough_where_they_are(instruction: str) -> None:
    assert refused(instruction) == "no_links"
    assert refused(instruction, makes_links=True) is None
    with pytest.raises(ApiError, match="STOPLINE_LINK_URL"):
        check_instruction(instruction, DEFAULT_RULES, makes_links=False)


def test_a_number_to_send_a_word_to_needs_a_rule_that_names_it_or_messages_from_it() -> None:
    assert refused("Text LEAVE to 12345", OWN) == "word_without_rule"
    assert refused("Text STOP to 12345", OWN) is None
    assert refused("Reply STOP ALL to opt out") is None
    assert refused("Thank you") == "invalid"
