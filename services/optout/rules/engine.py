"""The answer of an account's rules to a text: opt-outs first, then opt-ins, then help, then the rest."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from typing import Literal, NamedTuple

from services.optout.rules.detectors import DETECTORS, Finding
from services.optout.rules.everything import asks_for_everything, names_what, without_everything
from services.optout.rules.instruction import Instruction, find_instruction
from services.optout.rules.normalise import normalise
from services.optout.rules.reading import Reading, read
from services.optout.rules.rule import OptOutReach, RuleAction
from services.optout.rules.rule_match import NO_RULE, RuleMatch, VersionedRule
from services.optout.rules.search import Search, SearchResult
from services.optout.rules.standalone import SAID_AMONG_FRIENDS, find_standalone

_RANKS: dict[RuleAction, int] = {"OPT_OUT": 0, "OPT_IN": 1, "HELP": 2}
_OTHER = 3
_ANSWERS: tuple[Literal["opt_out", "opt_in", "help"], ...] = ("opt_out", "opt_in", "help")
TOO_SLOW = "rules_too_slow"
"""The reason why a reply is held that no certain rule decides and that could not be searched in time."""
_KEYWORDS = ("exact", "starts_with", "stands_alone")


class Hit(NamedTuple):
    """A rule, by its index in the order, that matches; `finding` where a detector says more."""

    rule_index: int
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
        self._keywords = {match: self._indices_by_term(match) for match in _KEYWORDS}
        self._prefix_words = max((term.count(" ") + 1 for term in self._keywords["starts_with"]), default=0)
        self._first_words = {term.split(" ", 1)[0] for term in self._keywords["stands_alone"]}
        self._prefix_first_words = {term.split(" ", 1)[0] for term in self._keywords["starts_with"]}
        self._any = [index for index, v in enumerate(self._rules) if v.rule.match == "any"]
        self._not_contained = [index for index, v in enumerate(self._rules) if v.rule.match == "does_not_contain"]
        self._detectors = [
            (index, DETECTORS[name])
            for index, v in enumerate(self._rules)
            if v.rule.match == "detector" and _RANKS.get(v.rule.action) == 0
            for name in v.rule.terms
        ]
        self._search = Search(self._rules, is_whole=is_whole)
        self._found: SearchResult | None = None

    @property
    def patterns(self) -> int:
        """How many patterns there are: with any, texts should be searched beside the event loop."""
        return self._search.patterns

    def search(self, body: str, is_over: Callable[[], bool]) -> SearchResult:
        """Do the part of `match` that may take long, until `is_over`."""
        reading = read(body)
        return self._search.find(reading.text, reading.words, is_over)

    def after_search(self, found: SearchResult) -> "RuleSet":
        """Return these rules for the one text that was searched."""
        searched = copy(self)
        searched._found = found  # noqa: SLF001 (its own copy)
        return searched

    def match(self, body: str, *, sender_number: str | None = None, instruction: str | None = None) -> RuleMatch:
        """Return what the rules say of `body`, written to `sender_number` in answer to `instruction`.

        `instruction` is the message that it answers, or the sentence of it that offers the way out; None where that is
        not known. Any text gets an answer, in a time that is bounded: of long texts beginning and end are read.
        """
        reading = read(body)
        offered = find_instruction(instruction) if instruction else None
        searched = self._found or self._search.find(reading.text, reading.words, lambda: False)
        hits = [
            hit for hit in self._hits(reading, offered, searched) if self._holds(hit.rule_index, sender_number, offered)
        ]
        best = (
            min(hits, key=lambda hit: (self._ranks[hit.rule_index], not hit.is_certain, hit.rule_index))
            if hits
            else None
        )
        if best is None or self._ranks[best.rule_index] == _OTHER or not best.is_certain:
            found = self._detected(reading, offered, sender_number)
            best = (
                found
                if found is not None and (found.is_certain or best is None or self._ranks[best.rule_index])
                else best
            )
        if best is None or self._ranks[best.rule_index] or not best.is_certain:
            best = self._keyword_for_everything(reading, offered, sender_number) or best
        if not searched.is_whole and (best is None or self._ranks[best.rule_index]):
            return RuleMatch("held", TOO_SLOW, normalised_by=reading.steps)
        if best is None and not reading.steps:
            return NO_RULE
        return self._rule_match(best, hits, reading, offered)

    def _keyword_for_everything(
        self, reading: Reading, offered: Instruction | None, sender_number: str | None
    ) -> Hit | None:
        """Return the opt-out word that a reply consists of, but for its words for everything: "opt out of all"."""
        for rest in without_everything(reading):
            if offered is None and rest in SAID_AMONG_FRIENDS and not names_what(reading):
                continue
            for index in (*self._keywords["stands_alone"].get(rest, ()), *self._keywords["exact"].get(rest, ())):
                if not self._ranks[index] and self._holds(index, sender_number, offered):
                    return Hit(index, rest)
            found = self._detected(Reading(rest, rest), offered, sender_number) if " " not in rest else None
            if found is not None and found.is_certain:
                return found
        return None

    def _rule_match(
        self, best: Hit | None, hits: Sequence[Hit], reading: Reading, offered: Instruction | None
    ) -> RuleMatch:
        rank = _OTHER if best is None else self._ranks[best.rule_index]
        others = tuple(
            self._rules[index] for index in sorted({hit.rule_index for hit in hits}) if self._ranks[index] == _OTHER
        )
        if best is None or rank == _OTHER:
            reason = "reaction" if reading.is_reaction else "rule" if others else "no_rule"
            return RuleMatch("none", reason, normalised_by=reading.steps, follow_ups=others)
        versioned = self._rules[best.rule_index]
        start = reading.text.find(best.term)
        return RuleMatch(
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

    def _hits(self, reading: Reading, offered: Instruction | None, searched: SearchResult) -> Iterator[Hit]:
        text = reading.text
        if text:
            yield from (Hit(index, text) for index in self._keywords["exact"].get(text, ()))
            if reading.words[0] in self._prefix_first_words:
                yield from self._prefixes(text)
            standalone = (
                None
                if self._first_words.isdisjoint(reading.words)
                else find_standalone(reading, self._keywords["stands_alone"], offered)
            )
            if standalone is not None:
                indices = self._keywords["stands_alone"][standalone.term]
                yield from (Hit(index, standalone.term, standalone.is_certain) for index in indices)
        yield from self._contained(searched)
        yield from (Hit(index, "") for index in self._any)

    def _prefixes(self, text: str) -> Iterator[Hit]:
        end = 0
        for _ in range(self._prefix_words):
            end = text.find(" ", end + 1)
            prefix = text if end < 0 else text[:end]
            yield from (Hit(index, prefix) for index in self._keywords["starts_with"].get(prefix, ()))
            if end < 0:
                return

    def _contained(self, searched: SearchResult) -> Iterator[Hit]:
        not_contained = set(self._not_contained) if searched.is_whole else set()
        for index, term in searched.terms:
            not_contained.discard(index)
            if self._rules[index].rule.match != "does_not_contain":
                yield Hit(index, term)
        yield from (Hit(index, "") for index in sorted(not_contained))

    def _detected(self, reading: Reading, offered: Instruction | None, sender_number: str | None) -> Hit | None:
        """Return the first certain finding, else the first that is not."""
        held: Hit | None = None
        for index, detect in self._detectors:
            finding = detect(reading, offered)
            if finding is not None and self._holds(index, sender_number, offered):
                if finding.kind == "opt_out":
                    return Hit(index, finding.term, finding=finding)
                if held is None:
                    held = Hit(index, finding.term, is_certain=False, finding=finding)
        return held

    def _holds(self, index: int, sender_number: str | None, offered: Instruction | None) -> bool:
        rule = self._rules[index].rule
        if rule.only_as_answer and not (offered is not None and offered.is_opt_in_question):
            return False
        return rule.sender_number in ("*", sender_number)

    def _indices_by_term(self, match: str) -> Mapping[str, Sequence[int]]:
        indices: dict[str, list[int]] = {}
        for index, versioned in enumerate(self._rules):
            if versioned.rule.match == match:
                for term in versioned.rule.terms:
                    indices.setdefault(normalise(term), []).append(index)
        return indices


def _rank(versioned: VersionedRule) -> int:
    return _RANKS.get(versioned.rule.action, _OTHER)


def _scope(of_rule: OptOutReach, best: Hit, reading: Reading, offered: Instruction | None) -> OptOutReach:
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
