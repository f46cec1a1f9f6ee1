"""Which words a message asks its reader to send."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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
        ("Reply N to opt out", ("n",)),
        ("Text 9 to unsubscribe", ("9",)),
        ("Reply STOP ALL to leave", ("stop all",)),
        ("Распродажа. Ответьте СТОП", ("стоп",)),
        ("Отправьте слово «СТОП» на номер 1234, чтобы отписаться", ("стоп",)),
        ("Ответьте НЕТ, чтобы отписаться", ("нет",)),
        ("本日セール。停止と返信", ("停止",)),
        ("配信停止は「停止」と返信してください", ("停止",)),
        ("配信停止はSTOPと返信", ("stop",)),
        ("【商城】大促,回复TD退订", ("td",)),
        ("退订回T", ("t",)),
        ("Do not reply to this message. Text STOP to end", ("stop",)),
        ("More? If not reply STOP", ("stop",)),
        ("Don't text and drive. Reply STOP or END", ("stop", "end")),
        ("拒收请回复R", ("r",)),
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
    [
        "",
        "See you at 8",
        "Please send me the report",
        "The bus stop is here",
        "Reply Y to confirm your visit",
        "Reply 2 stop",
        "We text u to stop",
        "Ответьте на вопрос",
        "Заказ отправлен",
        "停止营业通知",
        "回复1查看详情",
        "Do not reply STOP",
        "Never reply STOP to opt out",
        "You can\u2019t text STOP here",
        "You cannot text STOP here",
    ],
)
def test_other_messages_offer_nothing(message: str) -> None:
    assert find_instruction(message) is None


def test_long_messages_are_not_remembered() -> None:
    before = find._remembered.cache_info().currsize
    for n in range(5):
        assert find_instruction(f"Dear reader {n}, " + "how are you? " * 100 + "Reply STOP to opt out") is not None
    assert find._remembered.cache_info().currsize == before


@pytest.mark.parametrize(
    ("message", "sent_to"),
    [
        ("Reply STOP to opt out", (("stop", ""),)),
        ("Text END to 12345 to unsubscribe", (("end", "12345"),)),
        ("Text STOP or QUIT to +1 (833) 555-0123.", (("stop", "18335550123"), ("quit", "18335550123"))),
        ("Soldes STOP au 36180", (("stop", "36180"),)),
        ("Senden Sie STOP an 12345", (("stop", "12345"),)),
        ("Envie SAIR para 12345 para cancelar", (("sair", "12345"),)),
        ("Отправьте СТОП на 1234", (("стоп", "1234"),)),
        ("Text STOP to 12345 or reply STOP", (("stop", "12345"), ("stop", ""))),
        ("Text STOP to our short code: 12345", (("stop", "12345"),)),
        ("To end, text STOP to the number 12345", (("stop", "12345"),)),
        ("Text STOP to us at (833) 555-0123", (("stop", "8335550123"),)),
        ("Text STOP to #12345", (("stop", "12345"),)),
        ("Text STOP to: \u201c12345\u201d", (("stop", "12345"),)),
        ("Text STOP -> 12345", (("stop", "12345"),)),
        ("Senden Sie STOP an die 12345", (("stop", "12345"),)),
        ("Envía BAJA a 12345", (("baja", "12345"),)),
        ("Envie SAIR para o número 12345", (("sair", "12345"),)),
        ("Wyślij STOP na numer 12345", (("stop", "12345"),)),
        ("Envoyez STOP au num\u00e9ro 36180", (("stop", "36180"),)),
        ("Text STOP to 12345. 4 msgs a month", (("stop", "12345"),)),
        ("Text STOP to 12345 2 end", (("stop", "12345"),)),
        ("Отправьте СТОП на наш номер 8 (912) 345-67-89", (("стоп", "89123456789"),)),
        ("Text STOP to 24/7 support", (("stop", ""),)),
        ("Reply STOP to the 2026 sale", (("stop", ""),)),
        ("Reply STOP on your phone", (("stop", ""),)),
    ],
)
def test_the_number_that_a_word_is_to_be_sent_to_is_found(message: str, sent_to: tuple[tuple[str, str], ...]) -> None:
    found = find_instruction(message)
    assert found is not None
    assert found.sent_to == sent_to


PARTS = (
    "to",
    "2",
    "for",
    "=",
    "->",
    "stop",
    "unsub",
    "opt out",
    "end",
    "all",
    "quit",
    "no longer",
    "x",
    " ",
    " ",
    "'",
    ",",
)


@example("stop2end for end")
@example("to unsubto opt out")
@given(st.lists(st.sampled_from(PARTS), max_size=14).map("".join))
def test_words_with_aims_are_those_that_a_search_of_the_whole_text_finds(text: str) -> None:
    spans = [found.span() for found in find._words_with_aims(text)]
    assert spans == [found.span() for found in find._EQUALS.finditer(text)]
