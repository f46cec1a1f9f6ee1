"""The matchers of all match types: each holds an account's rules of one type and finds those that match a reply.

Keywords are in one dictionary for each type: a decision costs about the same with five rules as with two hundred.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from services.optout.rules.detectors import DETECTORS
from services.optout.rules.matcher import Hit, ReplyContext, RuleTerms
from services.optout.rules.standalone import find_standalone
from shared.instructions.normalise import normalise


class AnyReply:
    """The rules that match every reply."""

    def __init__(self, rules: Sequence[RuleTerms]) -> None:
        self._hits = tuple(Hit(rule_index, "") for rule_index, _ in rules)

    def hits(self, reply: ReplyContext) -> Iterable[Hit]:  # noqa: ARG002 (a Matcher)
        return self._hits


class WholeReply:
    """The rules of which a term is the whole reply."""

    def __init__(self, rules: Sequence[RuleTerms]) -> None:
        self._rules = _by_term(rules)

    def rules_with(self, term: str) -> Sequence[int]:
        return self._rules.get(term, ())

    def hits(self, reply: ReplyContext) -> Iterable[Hit]:
        text = reply.normalised.text
        rules = self._rules.get(text) if text else None
        return () if rules is None else [Hit(rule_index, text) for rule_index in rules]


class FirstWords:
    """The rules of which a term is the beginning of the reply."""

    def __init__(self, rules: Sequence[RuleTerms]) -> None:
        self._rules = _by_term(rules)
        self._first_words = _first_words(self._rules)
        self._longest = max((term.count(" ") + 1 for term in self._rules), default=0)

    def hits(self, reply: ReplyContext) -> Iterable[Hit]:
        words = reply.normalised.words
        return self._beginnings(words) if reply.normalised.text and words[0] in self._first_words else ()

    def _beginnings(self, words: Sequence[str]) -> Iterator[Hit]:
        for count in range(1, min(self._longest, len(words)) + 1):
            beginning = " ".join(words[:count])
            yield from (Hit(rule_index, beginning) for rule_index in self._rules.get(beginning, ()))


class Standalone:
    """The rules of which a term is the whole reply, a part of it between marks, or the last word of an answer."""

    def __init__(self, rules: Sequence[RuleTerms]) -> None:
        self._rules = _by_term(rules)
        self._first_words = _first_words(self._rules)

    def rules_with(self, term: str) -> Sequence[int]:
        return self._rules.get(term, ())

    def hits(self, reply: ReplyContext) -> Iterable[Hit]:
        if not reply.normalised.text or self._first_words.isdisjoint(reply.normalised.words):
            return ()
        found = find_standalone(reply.normalised, self._rules, reply.instruction)
        if found is None:
            return ()
        return [Hit(rule_index, found.term, found.is_certain) for rule_index in self._rules[found.term]]


class Contained:
    """The rules of which a phrase or a pattern was found in the reply."""

    def __init__(self, rules: Sequence[RuleTerms]) -> None:
        self._rules = frozenset(rule_index for rule_index, _ in rules)

    def hits(self, reply: ReplyContext) -> Iterable[Hit]:
        found = reply.search_result.terms
        return [Hit(*each) for each in found if each.rule_index in self._rules] if found else ()


class NotContained:
    """The rules of which no phrase was found in the reply: none, unless all of them were searched for."""

    def __init__(self, rules: Sequence[RuleTerms]) -> None:
        self._rules = [rule_index for rule_index, _ in rules]

    def hits(self, reply: ReplyContext) -> Iterable[Hit]:
        if not reply.search_result.is_whole:
            return ()
        contained = {found.rule_index for found in reply.search_result.terms}
        return [Hit(rule_index, "") for rule_index in self._rules if rule_index not in contained]


class Detected:
    """The rules of which a detector finds something in the reply; one detector after the other, as they are asked."""

    def __init__(self, rules: Sequence[RuleTerms]) -> None:
        self._detectors = [(rule_index, DETECTORS[name]) for rule_index, names in rules for name in names]

    def hits(self, reply: ReplyContext) -> Iterator[Hit]:
        for rule_index, detect in self._detectors:
            finding = detect(reply.normalised, reply.instruction)
            if finding is not None:
                yield Hit(rule_index, finding.term, finding.kind == "opt_out", finding)


def _by_term(rules: Sequence[RuleTerms]) -> Mapping[str, Sequence[int]]:
    by_term: dict[str, list[int]] = {}
    for rule_index, terms in rules:
        for term in terms:
            by_term.setdefault(normalise(term), []).append(rule_index)
    return by_term


def _first_words(terms: Iterable[str]) -> frozenset[str]:
    return frozenset(term.split(" ", 1)[0] for term in terms)
