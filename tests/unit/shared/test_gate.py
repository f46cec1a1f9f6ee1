"""No message passes the gate without a way out that works, and what is rejected says what to do."""

import pytest

from shared.gate import GateSettings, Rejection, judge, offered_by
from shared.segments import segments_of

NUMBER, OTHER_NUMBER = "+18335550101", "+18335550102"
WORDS = {"*": ("stop", "unsubscribe"), OTHER_NUMBER: ("alto",)}
REJECTS = GateSettings(words=WORDS)
APPENDS = GateSettings("append", "Reply STOP to opt out", words=WORDS)
EXEMPTS = GateSettings(exempts_conversational=True, words=WORDS)


def judged(
    body: str, settings: GateSettings = REJECTS, number: str = NUMBER, *, conversational: bool = False
) -> object:
    verdict = judge(body, offered_by(body), number, settings, conversational=conversational)
    return verdict.reason if isinstance(verdict, Rejection) else verdict


@pytest.mark.parametrize(
    "body",
    [
        "Sale today. Reply STOP to opt out",
        "Sale today. Text stop to end.",
        "Soldes. Répondez STOP pour vous désabonner",
        "Venta hoy. Responde STOP para cancelar",
        "Sale \U0001f389 R\u0435ply S\u0422OP to \u043ept out",  # with letters that look like Latin ones
        "Reply YES to confirm or NO to cancel your visit. Reply STOP to opt out",
        "Reply STOP to opt out. Reply NO to cancel your visit!",
        "Reply STOP to opt out. " + "See you. " * 300,
        "Sale. Text STOP to +1 (833) 555-0101 to opt out",
        "Sale. Text STOP to 833-555-0101.",
        "Sale. Text STOP to 12345 or reply STOP",
        "Sale. Reply STOP ALL to opt out",
        "Распродажа. Ответьте STOP, чтобы отписаться",
    ],
)
def test_a_message_whose_word_works_passes_as_it_is(body: str) -> None:
    assert judged(body) == judged(body, APPENDS) == body


@pytest.mark.parametrize(
    "body",
    [
        "Sale today.",
        "Reply YES to join",
        "We never stop.",
        "\U0001f389",
        "Call to end it",
        "Bus stop 12345 is closed",
        "Stop at 5",
    ],
)
def test_a_message_without_a_way_out_is_rejected(body: str) -> None:
    assert judged(body) == "no_way_out"


@pytest.mark.parametrize("settings", [REJECTS, APPENDS, EXEMPTS])
@pytest.mark.parametrize("body", ["Reply BANANA to opt out", "Text QUIT to end", "Responde BAJA para cancelar"])
def test_a_word_that_no_rule_matches_is_rejected_whatever_the_account_wants(body: str, settings: GateSettings) -> None:
    assert judged(body, settings, conversational=True) == "word_without_rule"


def test_a_rule_of_another_number_does_not_count() -> None:
    body = "Responde ALTO para cancelar"
    assert judged(body, number=OTHER_NUMBER) == body
    assert judged(body) == "word_without_rule"


@pytest.mark.parametrize(
    "body", ["Soldes ! STOP au 36180", "Soldes. STOP SMS 36180", "Sale. Text STOP to 36180 to end"]
)
def test_a_word_for_another_number_counts_where_a_rule_names_that_number(body: str) -> None:
    for_it = GateSettings(words={**WORDS, "36180": ("stop",)})
    for sender in (NUMBER, "ACME", "36180"):
        assert judged(body, for_it, sender) == body
    assert judged(body, GateSettings(words={"*": ("stop",), "36180": ("fin",)})) == "word_without_rule"
    assert judged(body, number="36180") == body
    verdict = judge(body, offered_by(body), NUMBER, REJECTS)
    assert isinstance(verdict, Rejection)
    assert verdict.reason == "word_without_rule"
    assert f"it is from {NUMBER} and says to send STOP to 36180" in verdict.detail


def test_a_short_code_is_not_the_end_of_another_number() -> None:
    assert judged("Text STOP to 50101 to opt out") == "word_without_rule"
    assert judged("Text STOP to 12345 to opt out", number="123456") == "word_without_rule"
    assert judged("Text STOP to 5550101 to opt out") == "Text STOP to 5550101 to opt out"


def test_a_number_may_be_written_as_it_is_dialled_at_home_or_abroad() -> None:
    for number, written in (
        ("+79123456789", "8 (912) 345-67-89"),
        ("+447700900123", "07700 900123"),
        ("+447700900123", "00 44 7700 900123"),
        ("+13125550123", "1-312-555-0123"),
    ):
        body = f"Text STOP to {written} to opt out"
        assert judged(body, number=number) == body
        assert judged(body, number=f"{number[:-1]}7") == "word_without_rule"


def test_a_word_for_all_works_where_the_word_alone_is_unmistakable() -> None:
    friends = GateSettings(words={"*": ("end", "stop")})
    assert judged("Reply END ALL to opt out", friends) == "word_without_rule"
    assert judged("Reply STOP ALL to opt out", friends, OTHER_NUMBER) == "Reply STOP ALL to opt out"
    assert judged("Reply STOP ALL to opt out", GateSettings(words={"*": ("end",)})) == "word_without_rule"


def test_an_appended_link_works_where_links_are_made_and_nowhere_else() -> None:
    for instruction in ("Opt out: {{opt_out_link}}", "Reply STOP or tap {{opt_out_link}}"):
        settings = GateSettings("append", instruction, words={})
        offered = offered_by("Sale today.")
        text = judge("Sale today.", offered, NUMBER, settings, makes_links=True)
        assert text == f"Sale today. {instruction}"
        verdict = judge("Sale today.", offered, NUMBER, settings)
        assert isinstance(verdict, Rejection)
        assert verdict.reason == "no_links"


def test_a_word_works_on_a_sender_id_only_by_a_rule_for_it() -> None:
    body = "Reply STOP to opt out"
    verdict = judge(body, offered_by(body), "ACME", REJECTS)
    assert isinstance(verdict, Rejection)
    assert verdict.reason == "word_without_rule"
    assert "{{opt_out_link}}" in verdict.detail
    assert judge(body, offered_by(body, has_link=True), "ACME", REJECTS) == body
    assert judged(body, GateSettings(words={"ACME": ("stop",)}), "ACME") == body


def test_a_rule_that_matches_any_reply_matches_every_word() -> None:
    assert judged("Reply BANANA to opt out", GateSettings(words={NUMBER: ("*",)})) == "Reply BANANA to opt out"


def test_an_instruction_is_appended_and_its_segments_count() -> None:
    body = "x" * 150
    text = judged(body, APPENDS)
    assert text == f"{body} Reply STOP to opt out"
    assert isinstance(text, str)
    assert (segments_of(body).number, segments_of(text).number) == (1, 2)


def test_an_appended_instruction_has_to_work_on_the_number_too() -> None:
    spanish = GateSettings("append", "Responde ALTO para cancelar", words=WORDS)
    assert judged("Venta hoy.", spanish, OTHER_NUMBER) == "Venta hoy. Responde ALTO para cancelar"
    assert judged("Venta hoy.", spanish) == "word_without_rule"


def test_an_answer_needs_no_way_out_where_the_account_exempts_answers_and_nothing_else_does() -> None:
    body = "We open at nine."
    assert judged(body, EXEMPTS, conversational=True) == body
    assert judged(body, EXEMPTS) == "no_way_out"
    assert judged(body, REJECTS, conversational=True) == "no_way_out"


def test_a_text_that_gets_too_long_is_rejected() -> None:
    assert judged("x" * 19_990, APPENDS) == "too_long"


def test_a_link_that_works_is_a_way_out() -> None:
    body = "Sale today. sms.example/abcdefgh"
    assert judge(body, offered_by(body, has_link=True), NUMBER, REJECTS) == body


@pytest.mark.parametrize(
    ("body", "settings", "says"),
    [
        ("Sale", REJECTS, 'end it with "Reply STOP to opt out"'),
        ("Reply BANANA to opt out", REJECTS, "matches BANANA; words that work on it: STOP, UNSUBSCRIBE"),
        ("Reply STOP to opt out", GateSettings(), "words that work on it: none: add a rule"),
        ("Sale", GateSettings(), "add a rule with POST /v1/rules"),
    ],
)
def test_a_rejection_says_in_one_line_what_to_do(body: str, settings: GateSettings, says: str) -> None:
    verdict = judge(body, offered_by(body), NUMBER, settings)
    assert isinstance(verdict, Rejection)
    assert says in verdict.detail
    assert "\n" not in verdict.detail
    assert len(verdict.detail) <= 512


@pytest.mark.parametrize(
    "instruction", ["Reply STOP to opt out. Text ALTO to quit", "Text ALTO to quit. Reply STOP to end"]
)
def test_an_appended_instruction_works_by_any_of_its_words(instruction: str) -> None:
    settings = GateSettings("append", instruction, words=WORDS)
    assert judged("Sale today.", settings) == f"Sale today. {instruction}"


@pytest.mark.parametrize(
    ("body", "is_whole"),
    [
        ("Sale today. Reply STOP to opt out", False),
        ("Reply STOP to opt out. Reply NO to cancel your visit!", True),
        ("Sale today.", True),
    ],
)
def test_what_the_last_sentence_offers_does_only_where_it_is_likely_to_work(body: str, *, is_whole: bool) -> None:
    assert offered_by(body, NUMBER, REJECTS).is_whole == is_whole


def test_only_words_are_shown_that_a_text_can_name() -> None:
    settings = GateSettings(words={"*": ("2", "", "*", "stop all these texts", "fin", "stop", "end", "quit")})
    assert settings.shown_words(NUMBER) == ["2", "FIN", "STOP"]
    for word in settings.shown_words(NUMBER):
        body = f"Sale today. Reply {word} to opt out"
        assert judged(body, settings) == body
