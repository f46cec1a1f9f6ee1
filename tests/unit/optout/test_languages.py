"""Each language's file says all about it, and each of its phrases is found by the whole engine."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import pytest

from services.optout.rules import DEFAULT_RULES, RuleSet, VersionedRule
from services.optout.rules.detectors import languages
from services.optout.rules.detectors.languages import LANGUAGES, Language

RULES = RuleSet([VersionedRule(n, 1, rule) for n, rule in enumerate(DEFAULT_RULES, 1)])
ASKED = "Sale today at Acme. Reply STOP to opt out"
FILES = Path(languages.__file__).parent / "data" / "languages"
SECTIONS = (
    *("[group around]", "[group limits]", "[phrases requests]", "[phrases likely]", "[phrases wrong_person]"),
    *("[phrases wrong_person_in_answer]", "[phrases complaint]", "[words other_things]", "[words turned]"),
)
_TOKEN = re.compile(r"<(\w+)>|([^\s()|?~+<>]+)|([()|?~+])")
_SECTION = re.compile(r"\[(group|phrases|words) (\w+)\]")


def sections(code: str) -> dict[str, list[str]]:
    """Read a file as its author wrote it; shares no code with what the services read it by."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in (FILES / f"{code}.txt").read_text("utf-8").splitlines():
        text = line.split("#")[0].strip()
        if section := _SECTION.fullmatch(text):
            lines = found.setdefault(section[0], [])
        elif text:
            lines.append(text)
    return found


class Phrases:
    """The texts of a phrase, one for each of its alternatives: what is not looked at is as short as it may be."""

    def __init__(self, of_language: dict[str, list[str]]) -> None:
        self._sections = of_language

    def of(self, line: str) -> Iterator[str]:
        tokens = list(_TOKEN.findall(line))
        alternatives, _ = self._alternatives(tokens, 0)
        yield from (" ".join(words) for words in alternatives)

    def _alternatives(self, tokens: Sequence[tuple[str, str, str]], at: int) -> tuple[list[list[str]], int]:
        """Return each alternative once, and where the bracket ends; of each part before and after it the first."""
        found: list[list[str]] = []
        sequence: list[list[list[str]]] = []
        while at < len(tokens):
            group, word, sign = tokens[at]
            at += 1
            if sign == ")":
                break
            if sign == "|":
                found += _one_after_the_other(sequence)
                sequence = []
            elif sign == "(":
                inner, at = self._alternatives(tokens, at)
                sequence.append(inner)
            elif sign == "?":
                sequence[-1] = [[], *sequence[-1]]
            elif group:
                sequence.append(
                    [words.split() for line in self._sections[f"[group {group}]"] for words in self.of(line)]
                )
            elif word:
                sequence.append([[word]])
        return found + _one_after_the_other(sequence), at


def _one_after_the_other(sequence: Sequence[list[list[str]]]) -> list[list[str]]:
    first = [part[0] for part in sequence]
    found = [list(chain(*first))]
    for place, part in enumerate(sequence):
        found += [list(chain(*first[:place], other, *first[place + 1 :])) for other in part[1:]]
    return found


def missed_phrases(file: str, section: str) -> list[str]:
    """Return those texts of a section's phrases that are neither opt-outs nor held, each after its line."""
    of_file = sections(file)
    return [
        f"{line}: {text}"
        for line in of_file[f"[phrases {section}]"]
        for text in Phrases(of_file).of(line)
        if RULES.match(text, answered_text=ASKED).kind not in ("opt_out", "held")
    ]


@pytest.mark.parametrize("section", ["requests", "likely", "wrong_person", "wrong_person_in_answer", "complaint"])
@pytest.mark.parametrize("code", [language.code for language in LANGUAGES])
def test_every_phrase_of_every_file_is_found_by_the_whole_engine(code: str, section: str) -> None:
    assert missed_phrases(code, section) == []


@pytest.mark.parametrize(
    ("file", "section"),
    [
        *(("../requests_en", name) for name in ("certain", "certain_alone", "likely", "likely_alone")),
        *(("../requests_en", name) for name in ("likely_within_answer", "likely_in_answer")),
        *(("../wrong_person", name) for name in ("sure", "gone", "unnamed", "gone_in_answer", "whole_answer")),
        ("../refusals", "go_away"),
    ],
)
def test_every_phrase_in_english_is_found_by_the_whole_engine(file: str, section: str) -> None:
    assert missed_phrases(file, section) == []


@pytest.mark.parametrize("missing", SECTIONS)
def test_a_file_that_lacks_a_section_is_refused_by_name(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (FILES / "pl.txt").read_text("utf-8")
    folder = tmp_path / "data" / "languages"
    folder.mkdir(parents=True)
    (folder / "xx.txt").write_text(text.replace(missing, "[group unused]"), "utf-8")
    monkeypatch.setattr(languages, "files", lambda _: tmp_path)
    monkeypatch.setattr("services.optout.rules.detectors.words.files", lambda _: tmp_path)
    with pytest.raises(ValueError, match=re.escape(missing)) as refused:
        Language("xx")
    assert "languages/xx.txt" in str(refused.value)


def test_the_opposite_of_a_request_is_none() -> None:
    for text in ("Не удаляйте меня из списка", "Nie usuwajcie mnie z listy", "Sluta inte skicka sms till mig"):
        assert RULES.match(text, answered_text=ASKED).kind == "none", text


def test_to_nobodys_question_a_request_is_held_and_never_certain() -> None:
    for text in ("Proszę nie wysyłać mi więcej wiadomości", "请不要再给我发短信了", "メッセージを送らないでください"):
        assert RULES.match(text).kind == "held", text
        assert RULES.match(text, answered_text=ASKED).kind == "opt_out", text


@pytest.mark.parametrize(
    "text",
    [
        *("Хочу отменить", "Как отменить?", "Отключите", "Не отправляйте", "chci zrušit", "kako otkazati"),
        *("Đúng, gửi cho tôi", "Thôi, gửi cho tôi", "連絡不要です", "退会したい", "ยกเลิกยังไง", "nasıl iptal ederim"),
        *("Atma!", "haluan peruuttaa tilaukseni", "ei viestejä", "inga sms", "서비스 해지해주세요", "žádné zprávy"),
        *("Nema poruka", "chcę zrezygnować", "jak anulować", "saya mau batal", "хочу скасувати"),
    ],
)
def test_what_may_be_about_an_order_or_an_appointment_is_held_at_most(text: str) -> None:
    assert RULES.match(text, answered_text=ASKED).kind == "held"
    assert RULES.match(text).kind == "none"


def test_a_sentence_about_a_course_or_a_parcel_asks_for_nothing() -> None:
    for text in ("Ich muss meine Tochter vom Kurs abmelden", "no me manden el pedido todavía"):
        assert RULES.match(text).kind == "none", text
        assert RULES.match(text, answered_text=ASKED).kind == "none", text
    assert RULES.match("quiero darme de baja").kind == "held"
    for text in ("Abmelden bitte", "no me manden más mensajes", "quiero darme de baja"):
        assert RULES.match(text, answered_text=ASKED).kind == "opt_out", text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *[(text, "partial") for text in ("Bitte nicht nachts schreiben", "no me escriban de noche", "не пишите ночью")],
        *[(text, "complaint") for text in ("ho già chiesto di essere cancellato", "解除したのにまだ届きます")],
        *[(text, "wrong_person") for text in ("no soy María", "nie jestem Kasia", "ich bin nicht Sabine")],
    ],
)
def test_the_reason_says_what_a_person_should_look_at(text: str, reason: str) -> None:
    found = RULES.match(text, answered_text=ASKED)
    assert (found.kind, found.matched_by) == ("held", reason)


def test_a_death_or_a_new_owner_is_held_in_answer_and_is_news_among_friends() -> None:
    for text in ("Mi abuela falleció ayer", "моя мама умерла", "这个号码现在是我的", "das ist ein Diensthandy"):
        assert RULES.match(text, answered_text=ASKED).matched_by == "wrong_person", text
        assert RULES.match(text).kind == "none", text


def test_a_request_after_a_comma_is_held_in_answer() -> None:
    assert RULES.match("I sold the house, take me off", answered_text=ASKED).kind == "held"


def test_the_word_that_was_asked_for_counts_written_apart() -> None:
    assert RULES.match("no gym", answered_text="Txt NOGYM to 88202 to opt out").kind == "opt_out"


def test_a_word_is_a_name_if_it_is_written_like_one() -> None:
    for text in ("no soy vegetariana", "nie jestem głodna Aniu", "ich bin nicht hungrig Anna", "Je Ne Suis Pas Libre"):
        assert RULES.match(text, answered_text=ASKED).kind == "none", text


def test_the_way_out_of_an_automatic_answer_is_not_its_writers_wish() -> None:
    for text in (
        "You have reached Carl's Plumbing. Text STOP to opt out.",
        "Thanks for ordering! Reply STOP to cancel.",
    ):
        assert RULES.match(text, answered_text=ASKED).kind == "none", text
    for text in ("Reply STOP to opt out", "reply stop to end. take me off your list"):
        assert RULES.match(text, answered_text=ASKED).kind == "opt_out", text
