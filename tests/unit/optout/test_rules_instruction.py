"""Which words a message asks its reader to send."""

import pytest

from shared.instructions import find
from shared.instructions.find import find_instruction


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Sale today. Reply STOP to opt out", ("stop",)),
        ("Txt STOP to end", ("stop",)),
        ("Hi! STOP2END", ("stop2end", "stop")),
        ("Text END to 12345 to unsubscribe", ("end",)),
        ("Envoyez ARRET au 36000", ("arret",)),
        ("Reply STOP or UNSUBSCRIBE to quit", ("stop", "unsubscribe")),
        ("STOP=quit", ("stop",)),
        ("Responde BAJA para cancelar", ("baja",)),
        ("Msg&data rates may apply. Text HELP for help, STOP to cancel.", ("stop",)),
        ("Reply 'end' to stop", ("end",)),
        ("Text OPT OUT to leave", ("opt out",)),
        ("Reply NO to opt out", ("no",)),
        ("To stop receiving texts reply STOP", ("stop",)),
        ("Will you vote? Reply YES or NO. Text STOP to quit", ("stop",)),
        ("You can opt out at any time by replying STOP", ("stop",)),
        ("Unsubscribe by texting 'END' to 12345.", ("end",)),
        ("Abmelden: Antworten Sie STOP", ("stop",)),
        ("Senden Sie STOP an 12345", ("stop",)),
        ("Antworten Sie mit ENDE zum Abmelden", ("ende",)),
    ],
)
def test_the_way_out_is_found(message: str, words: tuple[str, ...]) -> None:
    found = find_instruction(message)
    assert found is not None
    assert (found.words, found.is_opt_in_question) == (words, False)
    assert len(found.text) <= 160


@pytest.mark.parametrize("message", ["Reply YES to subscribe. Msg rates apply", "Text JOIN to 12345 to opt in"])
def test_a_question_whether_to_opt_in_offers_no_way_out(message: str) -> None:
    found = find_instruction(message)
    assert found is not None
    assert (found.words, found.is_opt_in_question) == ((), True)


@pytest.mark.parametrize(
    "message",
    ["", "See you at 8", "Please send me the report", "The bus stop is here", "Reply Y to confirm your visit"],
)
def test_other_messages_offer_nothing(message: str) -> None:
    assert find_instruction(message) is None


def test_long_messages_are_not_remembered() -> None:
    before = find._remembered.cache_info().currsize
    for n in range(5):
        assert find_instruction(f"Dear reader {n}, " + "how are you? " * 100 + "Reply STOP to opt out") is not None
    assert find._remembered.cache_info().currsize == before
