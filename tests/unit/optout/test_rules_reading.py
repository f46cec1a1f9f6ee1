"""What normalisation makes of replies, and what it leaves alone."""

import pytest

from services.optout.rules.normalised_reply import normalise_reply


@pytest.mark.parametrize(
    "body",
    [
        "STOP",
        " stop ",
        "Stop.",
        '"STOP"',
        "«stop»",
        "(stop)",
        "S T O P",
        "s.t.o.p.",
        "S-T-O-P",
        "s_t_o_p",
        "s\u200bt\u200do\u2060p",
        "\u202estop\u202c",
        "\ufeffstop",
        "st\u00adop",
        "stop\x00",
        "ＳＴＯＰ",
        "𝐒𝐓𝐎𝐏",
        "ⓢⓣⓞⓟ",
        "🆂🆃🅾🅿",
        "ꜱᴛᴏᴘ",
        "ЅТОР",
        "st\u043ep",
        "s\u03c4op",
        "stóp",
        "🛑",
        "✋✋",
        "🛑🛑🛑!",
        "⛔️",
        "✋🏽",
        "STOP\n\nSent from my iPhone",
        "stop\n\nGet Outlook for Android",
        "stop\n-- \nJohn",
        "Stop (Sent with Slam Effect)",
        "stop\nEnviado desde mi iPhone",
        "stop\nVon meinem iPhone gesendet",
        "stop \ud83d",
    ],
)
def test_all_of_these_are_the_word_stop(body: str) -> None:
    assert normalise_reply(body).text == "stop"


@pytest.mark.parametrize(
    "body",
    [
        "Liked “Reply STOP to opt out”",
        'Liked "Reply STOP to opt out"',
        "Loved “STOP”",
        "Laughed at “stop it”",
        "Emphasized “Reply STOP”",
        "👍 to “Reply STOP to quit”",
        "Reacted 👍 to “Reply STOP”",
        "Ana reacted ❤️ to “STOP”",
        "Le gustó “Responde STOP”",
        "A aimé « STOP pour arrêter »",
        "Removed a heart from “Reply STOP”",
        "Gostou de “STOP”",
        "Liked an image",
        "Reacted 😂 to an image",
        "Hat ein Herz auf „STOP“ reagiert",
        "„STOP“ gefällt Anna",
    ],
)
def test_a_phones_reaction_is_not_text(body: str) -> None:
    reading = normalise_reply(body)
    assert (reading.text, reading.is_reaction) == ("", True)
    assert not reading.clauses


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("стоп", "стоп"),
        ("停止", "停止"),
        ("إيقاف", "ايقاف"),
        ("הסר", "הסר"),
        ("U.S. bus stop", "u s bus stop"),
        ("I was sent from my office to stop it", "i was sent from my office to stop it"),
        ("Плохо, стоп", "плохо стоп"),
        ("a b", "a b"),
        ("I liked the bus stop", "i liked the bus stop"),
        ("don’t stop", "dont stop"),
    ],
)
def test_other_scripts_and_ordinary_words_stay(body: str, text: str) -> None:
    assert normalise_reply(body).text == text


def test_sentences_clauses_and_questions_are_distinguished() -> None:
    reading = normalise_reply("Not her, STOP. Who is this?\nThanks")
    assert reading.sentences == ("not her stop", "who is this", "thanks")
    assert reading.is_question == (False, True, False)
    assert reading.clauses == ("not her", "stop", "who is this", "thanks")


def test_a_word_that_is_quoted_beside_others_is_not_a_clause_of_its_own() -> None:
    assert normalise_reply("Polubiono „STOP”").clauses == ("polubiono",)
    assert normalise_reply("“Reply STOP to opt out” Stop").clauses == ("stop",)
    assert normalise_reply("“STOP”").clauses == ("stop",)


def test_the_steps_are_named() -> None:
    assert normalise_reply("S T O P").steps == ("spaced_letters",)
    assert normalise_reply("🛑").steps == ("emoji",)
    assert normalise_reply("ЅТОР").steps == ("homoglyphs",)
    assert normalise_reply("stop\nSent from my phone").steps == ("signature",)
    assert normalise_reply("x" * 30_000).steps == ("cut",)
