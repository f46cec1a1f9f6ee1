"""A text that confirms an opt-out says that, names the account, and sells nothing, as far as a list can say it."""

import pytest

from services.optout.confirmation_texts import CheckedText, why_not
from services.optout.rules import DEFAULT_RULES, Rule, VersionedRule

RULES = [VersionedRule(n, 1, rule) for n, rule in enumerate(DEFAULT_RULES)]
TEXT = "Acme: you are opted out and get no more messages."


def problem(text: str, list_word: str | None = None, rules: list[VersionedRule] = RULES, name: str = "Acme") -> str:
    return why_not(CheckedText(text, name, list_word), rules) or ""


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        "You have been unsubscribed from ACME alerts. No more messages will be sent. Help: 1-800-555-0100",
        "Acme : vous ne recevrez plus de messages. Aide : répondez AIDE",
        "At your request we will no longer send you messages in connection with Acme.",
    ],
)
def test_a_plain_confirmation_is_taken(text: str) -> None:
    assert problem(text) == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("You are opted out.", "does not name the account"),
        ("Acmeland: you are opted out.", "does not name the account"),
        (f"{TEXT} Buy one, get one", "'buy' promotes"),
        (f"{TEXT} \uff24iscount for you", "'discount' promotes"),
        (f"{TEXT} D\u0456scount for you", "'discount' promotes"),
        (f"{TEXT} We miss you", "'we miss you' promotes"),
        (f"{TEXT} Vuelve pronto", "'vuelve' promotes"),
        (f"{TEXT} 20% off", "a price or a percentage"),
        (f"{TEXT} Only $5", "a price or a percentage"),
        (f"{TEXT} https://acme.example", "a link"),
        (f"{TEXT} Acme.com/x", "a link"),
        (f"{TEXT} bit.ly/3x", "a link"),
        (f"{TEXT} {{{{opt_out_link}}}}", "a placeholder"),
        (f"{TEXT} Hi (First Name)", "a placeholder"),
        (f"{TEXT} stopmsg.me/xxxxx", "a link"),
        (f"{TEXT} {'x' * 300}", "3 segments"),
        (f"{TEXT} \u043f{'x' * 100}", "3 segments (ucs2)"),
        (f"{TEXT} dis\u200bcount", "a character that cannot be seen"),
    ],
)
def test_what_is_not_only_a_confirmation_is_refused(text: str, says: str) -> None:
    assert says in problem(text)


def test_what_is_in_the_accounts_own_name_promotes_nothing() -> None:
    assert problem("Deals & Gifts: you are opted out.", name="Deals & Gifts") == ""
    assert "'deals' promotes" in problem("Deals & Gifts: no more deals.", name="Deals & Gifts")


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("STOP", "opts out"),
        ("Arrêt", "opts out"),
        ("yes", "opts out, or in"),
        ("Start", "opts out"),
        ("news", "an active rule"),
        ("LISTS", "does not offer LISTS"),
        ("only this", "one word"),
        ("x", "one word"),
    ],
)
def test_a_word_that_means_something_already_narrows_nothing(word: str, says: str) -> None:
    rule = Rule(name="news", action="OPT_IN", match_type="exact", terms=("news",), sender_number="12345")
    offered = word if says != "does not offer LISTS" else "LIST"
    assert says in problem(f"{TEXT} Reply {offered} for this list", word, [*RULES, VersionedRule(9, 1, rule)])


def test_a_word_of_its_own_is_taken() -> None:
    assert problem(f"{TEXT} Reply LIST if you meant only this list.", "LIST") == ""
