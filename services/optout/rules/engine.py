"""The answer of an account's rules to a text: opt-outs first, then opt-ins, then help, then the rest."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from typing import Literal, NamedTuple

from services.optout.rules.alone import SAID_AMONG_FRIENDS, find_standing
from services.optout.rules.answer import NO_RULE, Answer, VersionedRule
from services.optout.rules.detectors import DETECTORS, Finding
from services.optout.rules.everything import asks_for_everything, names_what, without_everything
from services.optout.rules.instruction import Instruction, find_instruction
from services.optout.rules.normalise import normalise
from services.optout.rules.reading import Reading, read
from services.optout.rules.rule import RuleAction, Scope
from services.optout.rules.search import Found, Search

_RANKS: dict[RuleAction, int] = {"OPT_OUT": 0, "OPT_IN": 1, "HELP": 2}
_OTHER = 3
_ANSWERS: tuple[Literal["opt_out", "opt_in", "help"], ...] = ("opt_out", "opt_in", "help")
TOO_SLOW = "rules_too_slow"
"""The reason why a reply is held that no certain rule decides and that could not be searched in time."""
_KEYWORDS = ("exact", "starts_with", "stands_alone")


class Hit(NamedTuple):
    """A rule, by its place in the order, that matches; `finding` where a detector says more."""

    place: int
    term: str
    is_certain: bool = True
    finding: Finding | None = None


class RuleSet:
    """An account's rules, made ready once; it never changes, so that it can be shared and kept.

    Keywords of all rules are in one dictionary for each way of matching: a decision costs about the same with five
    rules as with two hundred. Patterns cost more: `search` for them where nobody waits, ask `after_search`.
    """

    def __init__(self, rules: Sequence[VersionedRule], *, is_whole: bool = True) -> None:
        enabled = [versioned for versioned in rules if versioned.rule.enabled]
        self._rules = sorted(enabled, key=lambda v: (_rank(v), v.rule.position, v.rule_id))
        self._ranks = [_rank(versioned) for versioned in self._rules]
        self._keywords = {match: self._places_by_term(match) for match in _KEYWORDS}
        self._prefix_words = max((term.count(" ") + 1 for term in self._keywords["starts_with"]), default=0)
        self._first_words = {term.split(" ", 1)[0] for term in self._keywords["stands_alone"]}
        self._prefix_first_words = {term.split(" ", 1)[0] for term in self._keywords["starts_with"]}
        self._any = [place for place, v in enumerate(self._rules) if v.rule.match == "any"]
        self._lacking = [place for place, v in enumerate(self._rules) if v.rule.match == "does_not_contain"]
        self._detectors = [
            (place, DETECTORS[name])
            for place, v in enumerate(self._rules)
            if v.rule.match == "detector" and _RANKS.get(v.rule.action) == 0
            for name in v.rule.terms
        ]
        self._search = Search(self._rules, is_whole=is_whole)
        self._found: Found | None = None

    @property
    def patterns(self) -> int:
        """How many patterns there are: with any, texts should be searched beside the event loop."""
        return self._search.patterns

    def search(self, body: str, is_over: Callable[[], bool]) -> Found:
        """Do the part of `answer` that may take long, until `is_over`."""
        reading = read(body)
        return self._search.find(reading.text, reading.words, is_over)

    def after_search(self, found: Found) -> "RuleSet":
        """Return these rules for the one text that was searched."""
        searched = copy(self)
        searched._found = found  # noqa: SLF001 (its own copy)
        return searched

    def answer(self, body: str, *, sender_number: str | None = None, instruction: str | None = None) -> Answer:
        """Return what the rules say of `body`, written to `sender_number` in answer to `instruction`.

        `instruction` is the message that it answers, or the sentence of it that offers the way out; None where that is
        not known. Any text gets an answer, in a time that is bounded: of long texts beginning and end are read.
        """
        reading = read(body)
        offered = find_instruction(instruction) if instruction else None
        searched = self._found or self._search.find(reading.text, reading.words, lambda: False)
        hits = [hit for hit in self._hits(reading, offered, searched) if self._holds(hit.place, sender_number, offered)]
        best = min(hits, key=lambda hit: (self._ranks[hit.place], not hit.is_certain, hit.place)) if hits else None
        if best is None or self._ranks[best.place] == _OTHER or not best.is_certain:
            found = self._detected(reading, offered, sender_number)
            best = (
                found if found is not None and (found.is_certain or best is None or self._ranks[best.place]) else best
            )
        if best is None or self._ranks[best.place] or not best.is_certain:
            best = self._keyword_for_everything(reading, offered, sender_number) or best
        if not searched.is_whole and (best is None or self._ranks[best.place]):
            return Answer("held", TOO_SLOW, normalised_by=reading.steps)
        if best is None and not reading.steps:
            return NO_RULE
        return self._answer(best, hits, reading, offered)

    def _keyword_for_everything(
        self, reading: Reading, offered: Instruction | None, sender_number: str | None
    ) -> Hit | None:
        """Return the opt-out word that a reply consists of, but for its words for everything: "opt out of all"."""
        for rest in without_everything(reading):
            if offered is None and rest in SAID_AMONG_FRIENDS and not names_what(reading):
                continue
            for place in (*self._keywords["stands_alone"].get(rest, ()), *self._keywords["exact"].get(rest, ())):
                if not self._ranks[place] and self._holds(place, sender_number, offered):
                    return Hit(place, rest)
            found = self._detected(Reading(rest, rest), offered, sender_number) if " " not in rest else None
            if found is not None and found.is_certain:
                return found
        return None

    def _answer(self, best: Hit | None, hits: Sequence[Hit], reading: Reading, offered: Instruction | None) -> Answer:
        rank = _OTHER if best is None else self._ranks[best.place]
        others = tuple(
            self._rules[place] for place in sorted({hit.place for hit in hits}) if self._ranks[place] == _OTHER
        )
        if best is None or rank == _OTHER:
            reason = "reaction" if reading.is_reaction else "rule" if others else "no_rule"
            return Answer("none", reason, normalised_by=reading.steps, follow_ups=others)
        versioned = self._rules[best.place]
        start = reading.text.find(best.term)
        return Answer(
            "held" if rank == 0 and not best.is_certain else _ANSWERS[rank],
            best.finding.reason if best.finding else _reason(versioned),
            versioned.rule.name,
            versioned.rule_id,
            versioned.version,
            best.term,
            start if start >= 0 else None,
            start + len(best.term) if start >= 0 else None,
            reading.steps,
            _scope(versioned.rule.scope, best, reading, offered) if rank == 0 else versioned.rule.scope,
            others if _ANSWERS[rank] == "help" else (),
            versioned.rule.only_as_answer,
        )

    def _hits(self, reading: Reading, offered: Instruction | None, searched: Found) -> Iterator[Hit]:
        text = reading.text
        if text:
            yield from (Hit(place, text) for place in self._keywords["exact"].get(text, ()))
            if reading.words[0] in self._prefix_first_words:
                yield from self._prefixes(text)
            standing = (
                None
                if self._first_words.isdisjoint(reading.words)
                else find_standing(reading, self._keywords["stands_alone"], offered)
            )
            if standing is not None:
                places = self._keywords["stands_alone"][standing.term]
                yield from (Hit(place, standing.term, standing.is_certain) for place in places)
        yield from self._contained(searched)
        yield from (Hit(place, "") for place in self._any)

    def _prefixes(self, text: str) -> Iterator[Hit]:
        end = 0
        for _ in range(self._prefix_words):
            end = text.find(" ", end + 1)
            prefix = text if end < 0 else text[:end]
            yield from (Hit(place, prefix) for place in self._keywords["starts_with"].get(prefix, ()))
            if end < 0:
                return

    def _contained(self, searched: Found) -> Iterator[Hit]:
        lacked = set(self._lacking) if searched.is_whole else set()
        for place, term in searched.terms:
            lacked.discard(place)
            if self._rules[place].rule.match != "does_not_contain":
                yield Hit(place, term)
        yield from (Hit(place, "") for place in sorted(lacked))

    def _detected(self, reading: Reading, offered: Instruction | None, sender_number: str | None) -> Hit | None:
        """Return the first certain finding, else the first that is not."""
        held: Hit | None = None
        for place, detect in self._detectors:
            finding = detect(reading, offered)
            if finding is not None and self._holds(place, sender_number, offered):
                if finding.answer == "opt_out":
                    return Hit(place, finding.term, finding=finding)
                if held is None:
                    held = Hit(place, finding.term, is_certain=False, finding=finding)
        return held

    def _holds(self, place: int, sender_number: str | None, offered: Instruction | None) -> bool:
        rule = self._rules[place].rule
        if rule.only_as_answer and not (offered is not None and offered.is_opt_in_question):
            return False
        return rule.sender_number in ("*", sender_number)

    def _places_by_term(self, match: str) -> Mapping[str, Sequence[int]]:
        places: dict[str, list[int]] = {}
        for place, versioned in enumerate(self._rules):
            if versioned.rule.match == match:
                for term in versioned.rule.terms:
                    places.setdefault(normalise(term), []).append(place)
        return places


def _rank(versioned: VersionedRule) -> int:
    return _RANKS.get(versioned.rule.action, _OTHER)


def _scope(of_rule: Scope, best: Hit, reading: Reading, offered: Instruction | None) -> Scope:
    """Return how far an opt-out reaches: as far as it says, else as the word that the answered message offered."""
    is_misspelt = best.finding is not None and best.finding.reason == "echo"
    if of_rule == "account" or asks_for_everything(reading) or (is_misspelt and any(without_everything(reading))):
        return "account"
    if offered is None or not offered.for_everything:
        return "list"
    text = f" {reading.text} "
    if any(f" {word} " in text for word in offered.for_everything):
        return "account"
    named = best.finding.word if best.finding else best.term
    for_list = [word for word in offered.words if word not in offered.for_everything]
    return "list" if any(word == named or f" {word} " in text for word in for_list) else "account"


def _reason(versioned: VersionedRule) -> str:
    return "pattern" if versioned.rule.match == "regex" else "keyword"
