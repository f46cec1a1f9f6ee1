"""Applies an account's rules to a reply.

1. `normalise_reply` brings the reply to one form; `find_instruction` finds what the answered message offered.
2. `Search` looks for phrases and patterns anywhere in the text. It may take long, so it can be done beforehand and off
   the event loop (`search`, `after_search`).
3. The matchers of every match type name the rules that match. Rules of other sender numbers, and those that hold only
   for an answer to a question, drop out.
4. `Precedence` decides which of them wins. Detectors and words for everything are asked for only where they may matter.
5. The rule match says what was decided, why, and how far an opt-out reaches.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from itertools import chain
from operator import itemgetter
from typing import Literal, NamedTuple, cast

from services.optout.rules.actions import ACTIONS
from services.optout.rules.everything import may_be_everything, names_what, without_everything
from services.optout.rules.match_types import MATCH_TYPES
from services.optout.rules.matcher import (
    Hit,
    Matcher,
    MatchType,
    ReplyContext,
    RuleTerms,
    SearchResult,
    WholeReplyMatcher,
)
from services.optout.rules.normalised_reply import NormalisedReply, normalise_reply
from services.optout.rules.precedence import CERTAIN, LIKELY, Precedence
from services.optout.rules.reach import opt_out_reach
from services.optout.rules.rule_match import NO_RULE, RuleMatch, VersionedRule
from services.optout.rules.search import Search
from shared.instructions.everything import SAID_AMONG_FRIENDS
from shared.instructions.find import find_instruction
from shared.instructions.normalise import normalise

TOO_SLOW = "rules_too_slow"
"""The reason why a reply is held that no certain rule decides and that could not be searched in time."""

_DETECTED = {True: Precedence.DETECTED, False: Precedence.LIKELY_DETECTED}
_CERTAIN_OPT_OUT = (Precedence.OPT_OUT, Precedence.DETECTED)
_CERTAIN_RULE = (Precedence.OPT_OUT, Precedence.OPT_IN, Precedence.HELP)


class Candidate(NamedTuple):
    """A possible decision of a reply; `hit` is None where the search was not finished."""

    precedence: Precedence
    rule_index: int
    hit: Hit | None


_SEARCH_UNFINISHED = Candidate(Precedence.SEARCH_UNFINISHED, -1, None)
_NOTHING = Candidate(Precedence.OTHER, -1, None)
_sort_key = itemgetter(0, 1)


def _never() -> bool:
    return False


def _best(candidates: Sequence[Candidate]) -> Candidate:
    """Return the candidate that decides: the smallest precedence, then the first rule."""
    return min(candidates, key=_sort_key) if candidates else _NOTHING


class RuleSet:
    """An account's rules, made ready once; it never changes, so that it can be shared and kept.

    Patterns cost more than other rules: `search` for them where nobody waits, ask `after_search`.
    """

    def __init__(self, rules: Sequence[VersionedRule], *, is_whole: bool = True) -> None:
        enabled = [versioned for versioned in rules if versioned.rule.enabled]
        self._rules = sorted(enabled, key=lambda v: (_precedence(v), v.rule.position, v.rule_id))
        self._certain = [_precedence(versioned) for versioned in self._rules]
        self._likely = [LIKELY.get(certain, certain) for certain in self._certain]
        ready = {name: match_type.matcher(self._terms(name)) for name, match_type in self._match_types()}
        self._detectors = [ready.pop(name) for name in list(ready) if MATCH_TYPES[name].is_detector]
        self._matchers = list(ready.values())
        self._of_other_words = [ready[name] for name in ready if not _is_asked_for_its_words(name)]
        self._first_words = frozenset(self._words_that_terms_begin_with())
        self._before_everything = _before_everything(ready)
        self._search = Search(self._searched_as("phrase"), self._searched_as("pattern"), is_whole=is_whole)
        self._search_result: SearchResult | None = None

    @property
    def patterns(self) -> int:
        """How many patterns there are: with any, texts should be searched beside the event loop."""
        return self._search.patterns

    def search(self, body: str, is_over: Callable[[], bool]) -> SearchResult:
        """Do the part of `match` that may take long, until `is_over`."""
        normalised = normalise_reply(body)
        return self._search.find(normalised.text, normalised.words, is_over)

    def after_search(self, result: SearchResult) -> "RuleSet":
        """Return these rules for the one text that was searched."""
        searched = copy(self)
        searched._search_result = result  # noqa: SLF001 (its own copy)
        return searched

    def match(self, body: str, *, sender_number: str | None = None, answered_text: str | None = None) -> RuleMatch:
        """Return what the rules say of `body`, written to `sender_number` in answer to `answered_text`.

        That is the message, or the sentence of it that offers the opt-out; None where it is not known. Any text gets a
        rule match, in a time that is bounded: of long texts beginning and end are read.
        """
        normalised = normalise_reply(body)
        instruction = find_instruction(answered_text) if answered_text else None
        result = self._search_result or self._search.find(normalised.text, normalised.words, _never)
        reply = ReplyContext(normalised, instruction, sender_number, result)
        candidates = self._matched(reply)
        best = _best(candidates).precedence
        if self._detectors and best not in _CERTAIN_RULE:
            candidates += self._detected(reply)
            best = _best(candidates).precedence
        if self._before_everything and best not in _CERTAIN_OPT_OUT and may_be_everything(normalised):
            candidates += self._opted_out_of_everything(reply)
        if not result.is_whole:
            candidates.append(_SEARCH_UNFINISHED)
        if not candidates and not normalised.steps:
            return NO_RULE
        return self._rule_match(candidates, reply)

    def _matched(self, reply: ReplyContext) -> list[Candidate]:
        """Return the rules that match, detectors excepted."""
        has_word = not self._first_words.isdisjoint(reply.normalised.words)
        matchers = self._matchers if has_word else self._of_other_words
        return [
            Candidate((self._certain if hit.is_certain else self._likely)[hit.rule_index], hit.rule_index, hit)
            for matcher in matchers
            for hit in matcher.hits(reply)
            if self._applies(hit.rule_index, reply)
        ]

    def _detected(self, reply: ReplyContext) -> list[Candidate]:
        """Return what detectors find, up to the first that is certain."""
        found = list[Candidate]()
        for detector in self._detectors:
            for hit in detector.hits(reply):
                if self._applies(hit.rule_index, reply):
                    found.append(Candidate(_DETECTED[hit.is_certain], hit.rule_index, hit))
                    if hit.is_certain:
                        return found
        return found

    def _opted_out_of_everything(self, reply: ReplyContext) -> Iterator[Candidate]:
        """Yield the opt-out word that a reply consists of, but for its words for everything: "opt out of all"."""
        for rest in without_everything(reply.normalised):
            if reply.instruction is None and rest in SAID_AMONG_FRIENDS and not names_what(reply.normalised):
                continue
            hit = self._opt_out_word(rest, reply)
            if hit is not None:
                yield Candidate(Precedence.OPT_OUT_OF_EVERYTHING, hit.rule_index, hit)
                return

    def _opt_out_word(self, text: str, reply: ReplyContext) -> Hit | None:
        """Return the first rule that opts out for `text`; a word may be misspelt where a detector is certain."""
        for rule_index in chain.from_iterable(matcher.rules_with(text) for matcher in self._before_everything):
            if self._certain[rule_index] is Precedence.OPT_OUT and self._applies(rule_index, reply):
                return Hit(rule_index, text)
        if " " in text:
            return None
        detected = self._detected(reply._replace(normalised=NormalisedReply(text, text)))
        return next((each.hit for each in detected if each.precedence is Precedence.DETECTED), None)

    def _rule_match(self, candidates: Sequence[Candidate], reply: ReplyContext) -> RuleMatch:
        precedence, rule_index, hit = _best(candidates)
        steps = reply.normalised.steps
        if precedence is Precedence.SEARCH_UNFINISHED:
            return RuleMatch("held", TOO_SLOW, normalised_by=steps)
        others = self._others(candidates)
        if hit is None or precedence is Precedence.OTHER:
            reason = "reaction" if reply.normalised.is_reaction else "rule" if others else "no_rule"
            return RuleMatch("none", reason, normalised_by=steps, follow_ups=others)
        versioned = self._rules[rule_index]
        rule = versioned.rule
        start = _start_of(hit.term, reply.normalised.text)
        return RuleMatch(
            kind=precedence.kind,
            matched_by=hit.finding.matched_by if hit.finding else MATCH_TYPES[rule.match_type].matched_by,
            rule=rule.name,
            rule_id=versioned.rule_id,
            version=versioned.version,
            term=hit.term,
            start=start if start >= 0 else None,
            end=start + len(hit.term) if start >= 0 else None,
            normalised_by=steps,
            reach=opt_out_reach(rule.reach, hit, reply) if precedence.opts_out else rule.reach,
            follow_ups=others if precedence.kind == "help" else (),
            only_as_answer=rule.only_as_answer,
        )

    def _others(self, candidates: Sequence[Candidate]) -> tuple[VersionedRule, ...]:
        """Return the rules that match and decide nothing, in their order."""
        others = {rule_index for precedence, rule_index, _ in candidates if precedence is Precedence.OTHER}
        return tuple(self._rules[rule_index] for rule_index in sorted(others))

    def _applies(self, rule_index: int, reply: ReplyContext) -> bool:
        """Say whether a rule that matches is meant for this reply: for its sender number, and for what it answers."""
        rule = self._rules[rule_index].rule
        if rule.only_as_answer and not (reply.instruction is not None and reply.instruction.is_opt_in_question):
            return False
        return rule.sender_number in ("*", reply.sender_number)

    def _match_types(self) -> Iterator[tuple[str, MatchType]]:
        """Yield the match types of the rules, in the order of the table."""
        used = {versioned.rule.match_type for versioned in self._rules}
        return ((name, match_type) for name, match_type in MATCH_TYPES.items() if name in used)

    def _terms(self, match: str) -> list[RuleTerms]:
        """Return the terms of all rules of one match type; of a detector, of those that opt out."""
        return [
            (rule_index, versioned.rule.terms)
            for rule_index, versioned in enumerate(self._rules)
            if versioned.rule.match_type == match
            and not (MATCH_TYPES[match].is_detector and self._certain[rule_index] is not Precedence.OPT_OUT)
        ]

    def _words_that_terms_begin_with(self) -> Iterator[str]:
        """Yield the words without one of which no rule matches that is asked for its words."""
        for versioned in self._rules:
            if _is_asked_for_its_words(versioned.rule.match_type):
                yield from (normalise(term).split(" ", 1)[0] for term in versioned.rule.terms)

    def _searched_as(self, what: Literal["phrase", "pattern"]) -> list[RuleTerms]:
        return [
            (rule_index, versioned.rule.terms)
            for rule_index, versioned in enumerate(self._rules)
            if MATCH_TYPES[versioned.rule.match_type].searched_as == what
        ]


def _precedence(versioned: VersionedRule) -> Precedence:
    """Return the precedence of a rule that certainly matches."""
    return CERTAIN[ACTIONS[versioned.rule.action].decides]


def _is_asked_for_its_words(match_type: str) -> bool:
    return MATCH_TYPES[match_type].has_words_of_term


def _before_everything(ready: Mapping[str, Matcher]) -> list[WholeReplyMatcher]:
    """Return the matchers of words that words for everything may follow, in the order in which they are asked."""
    orders = {name: MATCH_TYPES[name].everything_order for name in ready}
    chosen = sorted((order, name) for name, order in orders.items() if order is not None)
    return [cast("WholeReplyMatcher", ready[name]) for _, name in chosen]


def _start_of(term: str, text: str) -> int:
    """Return where the term is a word of its own, else where it is part of a word; -1: nowhere."""
    whole = re.search(rf"(?<!\w){re.escape(term)}(?!\w)", text)
    return whole.start() if whole else text.find(term)
