"""What holds for every text: an answer, in bounded time, that nothing invisible changes."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.optout.rules import DEFAULT_RULES, Rule, RuleMatch, RuleSet, VersionedRule
from services.optout.rules.normalised_reply import normalise_reply
from services.optout.rules.packs import PACKS
from shared.instructions.find import find_instruction
from shared.instructions.normalise import normalise

_RULES = [
    *DEFAULT_RULES,
    *(rule for pack in PACKS.values() for rule in pack),
    Rule(name="contains", match_type="contains", terms=("take me off",), action="OPT_OUT"),
    Rule(name="pattern", match_type="regex", terms=(r"(a|b)*c{1,50}d",), action="OPT_OUT"),
    Rule(name="lacks", match_type="does_not_contain", terms=("hello",), action="NONE"),
]
_SET = RuleSet([VersionedRule(n, 1, rule) for n, rule in enumerate(_RULES, 1)])
_OFFER = "Sale! Reply STOP2END to opt out, YES to subscribe"
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\u2066\u2069\u202a\u202c\u202e\ufeff\u00ad\u061c"

_phrases = st.sampled_from(
    ["stop", "STOP", "Stop. Thank you", "not her, stop", "end", "unsubscribe", "s.t.o.p", "S T O P", "yes", "help",
     "arrêt", "стоп", "توقف", "停止", "stop2end", "take me off this", "the bus stop", "don't stop", "Liked “STOP”",
     "start", "STOP\n\nSent from my iPhone", "ok", "I'll stop by at 5", "wrong number", "fuck off",
     "🛑", "✋🏽", "✋✋!", "Ѕtοp", "Hmm. STOP. You make me laugh", "Ana reacted ❤️ to “STOP”", "STOP\n-- \nJohn"]
)  # fmt: skip
_anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)
_texts = _phrases | _anything | st.builds("{} {}".format, _phrases, _anything)


def _meaning(match: RuleMatch) -> tuple[str, str, str | None]:
    return match.kind, match.matched_by, match.rule


def _answers(text: str) -> list[tuple[str, str, str | None]]:
    return [_meaning(_SET.match(text, answered_text=offer)) for offer in (None, _OFFER)]


@given(_texts)
@example("\u0130\u0345\u1e9e")
def test_normalising_twice_is_normalising_once(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(_texts)
def test_reading_what_was_read_changes_nothing(text: str) -> None:
    once = normalise_reply(text).text
    assert normalise(once) == once


@given(_texts, st.data())
def test_invisible_characters_change_no_answer(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text)))
    mark = data.draw(st.text(_INVISIBLE, min_size=1, max_size=4))
    assert _answers(text[:place] + mark + text[place:]) == _answers(text)


@given(_texts, st.text(" \t\n\r\u00a0\u2003\u3000", max_size=4), st.text(" \t\n\r\u00a0\u2003\u3000", max_size=4))
def test_surrounding_spaces_change_no_answer(text: str, before: str, after: str) -> None:
    assert _answers(before + text + after) == _answers(text)


@given(_texts)
@example("not her, STOP")
@example("Hmm. STOP. You make me laugh")
def test_case_changes_no_answer(text: str) -> None:
    assert _answers(text.lower()) == _answers(text.upper()) == _answers(text)


@given(_texts)
def test_an_answer_says_where_its_term_is(text: str) -> None:
    match = _SET.match(text, answered_text=_OFFER)
    if match.start is not None:
        assert match.term is not None
        assert normalise_reply(text).text[match.start : match.end] == match.term


_HUGE = 10_000_000


@pytest.mark.parametrize(
    "piece",
    ["a", "stop ", "s.t.o.p ", "\x00", "\ud800", "\u202e", "é", "\u0301", "🛑", "(", '"',
     "“liked ", "\n", " ", ". ", "- ",
     "liked “", "sent from my ", "reply stop to ", "ﷺ", "reply ", "to 1 ", "a b ", "ст", "'"],
)  # fmt: skip
def test_ten_megabytes_of_anything_get_an_answer_within_a_second(piece: str) -> None:
    text = piece * (_HUGE // len(piece))
    started = time.perf_counter()
    assert _SET.match(text).kind in ("opt_out", "held", "opt_in", "help", "none")
    assert _SET.match("stop", answered_text=text).kind == "opt_out"
    find_instruction(text[:15_000])
    assert time.perf_counter() - started < 2
