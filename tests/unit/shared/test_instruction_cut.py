"""What is kept of a message as it is sent, so that a reply can be compared with what it offered."""

import pytest

from shared.instructions.cut import instruction_of
from shared.instructions.find import find_instruction

MORE = "We have more to tell you about the season, the weather and the shops of the town. " * 4


def offered(body: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = find_instruction(instruction_of(body) or "")
    assert found is not None
    return found.words, found.stay_words


@pytest.mark.parametrize(
    "body",
    [
        "Reply END to opt out",
        f"{MORE}Reply END to opt out",
        f"Reply to our survey. {MORE}Reply END to opt out",
        f"Don't stop now! {MORE}Reply END to opt out.\n",
        f"Reply END to opt out. {MORE}",
        f"Reply END to opt out. {MORE}Reply END to opt out",
    ],
)
def test_what_is_kept_has_the_way_out_wherever_it_is(body: str) -> None:
    kept = instruction_of(body)
    assert kept is not None
    assert len(kept) <= 160
    assert offered(body) == (("end",), ())


def test_another_offer_before_the_way_out_is_kept_too() -> None:
    body = f"Reply YES to join. {MORE}Reply END to opt out"
    assert offered(body) == (("end",), ("yes",))
    assert len(instruction_of(body) or "") <= 512


@pytest.mark.parametrize("body", ["See you at 8", MORE])
def test_of_a_message_without_such_words_nothing_is_kept(body: str) -> None:
    assert instruction_of(body) is None


def test_of_a_long_message_that_offers_nothing_the_first_such_word_is_kept() -> None:
    assert instruction_of(f"Don't stop now! {MORE}") == f"Don't stop now! {MORE}"[:160]
