"""The gate (G7): whether a message carries a way out that works, and what becomes of one that does not; no I/O.

A message offers its way out by a word ("Reply STOP to opt out") or by the opt-out link. A word works where an active
opt-out rule matches it on the number that the message is sent from. `find_instruction` finds the words, as it does for
whoever decides what a reply means.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Literal, NamedTuple

from shared.events.base import MAX_BODY_CHARACTERS
from shared.events.suppression import GatePolicy, PublishedConfirmation
from shared.instructions.everything import without_all
from shared.instructions.find import find_instruction
from shared.opt_out_links import has_placeholder
from shared.phones.event_fields import ALPHANUMERIC_SENDER
from shared.phones.readings import national_reading, region_of

ANY = "*"
"""As a sender number: every one; as a word: any."""

RejectionReason = Literal[
    "unknown_list", "no_way_out", "word_without_rule", "too_long", "no_links", "not_confirmable", "too_late"
]
_SHOWN_WORDS = 3
_TRIED_WORDS = 50
_SHORT_CODE_DIGITS = 6
_NATIONAL_DIGITS = 7
"""A number may be written without its country code; with fewer digits it is another one."""
_MARKS = ".!?\n"


class OfferedWord(NamedTuple):
    """A word that leads out; `number` has the digits of what it is to be sent to, where that is not a reply."""

    word: str
    number: str = ""


class Rejection(NamedTuple):
    """A message that must not leave: `detail` is one line and says what to do."""

    reason: RejectionReason
    detail: str


@dataclass(frozen=True, slots=True)
class GateSettings:
    """The settings of an account that the gate asks, as in `AccountSettingsPublished`.

    `opt_out_confirmations` are the texts that may answer an opt-out; the gate judges no message that is one.
    """

    policy: GatePolicy = "reject"
    instruction: str | None = None
    exempts_conversational: bool = False
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    opt_out_confirmations: tuple[PublishedConfirmation, ...] = ()

    def works(self, word: str, sender_number: str) -> bool:
        """Say whether an active opt-out rule matches the word on the number: "STOP ALL" too, where STOP is one."""
        words_on = self._words_on(sender_number)
        return any(word in words or ANY in words for words in words_on) or (
            (rest := without_all(word)) is not None and any(rest in words for words in words_on)
        )

    def keeps(self, offered: OfferedWord, sender_number: str) -> bool:
        """Say whether whoever does what a message says is heard: with a reply, or with a text to the number it names.

        That is the number that the message is from, or one that a rule names: a rule for every number does not say
        that another one is the account's.
        """
        if not offered.number or _is_same_number(offered.number, sender_number):
            return self.works(offered.word, sender_number)
        named = [number for number in self.words if number != ANY and _is_same_number(offered.number, number)]
        return any(GateSettings(words={number: self.words[number]}).works(offered.word, number) for number in named)

    def shown_words(self, sender_number: str) -> list[str]:
        """Return a few of the words that work on the number, in capitals: those that a text can name."""
        first = islice(chain.from_iterable(self._words_on(sender_number)), _TRIED_WORDS)
        named = (
            word.upper() for word in first if OfferedWord(word) in words_offered(f"Reply {word.upper()} to opt out")
        )
        return list(islice(named, _SHOWN_WORDS))

    def _words_on(self, sender_number: str) -> tuple[tuple[str, ...], ...]:
        """Return the words by rule; most sender IDs cannot be replied to, so a rule has to name one itself."""
        own = self.words.get(sender_number, ())
        return (own,) if ALPHANUMERIC_SENDER.fullmatch(sender_number) else (self.words.get(ANY, ()), own)


class Offered(NamedTuple):
    """The ways out that a text offers, found before it is judged; unless `is_whole`, those of its last sentence."""

    words: tuple[OfferedWord, ...]
    has_link: bool
    is_whole: bool = True


def offered_by(
    body: str, sender_number: str = "", likely: GateSettings | None = None, *, has_link: bool = False
) -> Offered:
    """Return the ways out that the text offers; `has_link`: it has an opt-out link that works.

    Most messages end with the same sentence, whatever is personal before it: what that one offers is remembered. By the
    `likely` settings the whole text is read now where that sentence does not do: nobody has to when it is judged.
    """
    words = words_offered(_last_sentence(body))
    if words and (likely is None or any(likely.keeps(word, sender_number) for word in words)):
        return Offered(words, has_link, is_whole=False)
    return Offered(words_offered(body), has_link)


def _last_sentence(body: str) -> str:
    text = body.rstrip(f"{_MARKS} ")
    return text[max(map(text.rfind, _MARKS)) + 1 :].strip()


def words_offered(text: str) -> tuple[OfferedWord, ...]:
    """Return the words for leaving that the whole text offers."""
    found = find_instruction(text)
    return tuple(OfferedWord(*each) for each in found.sent_to) if found is not None else ()


def _is_same_number(digits: str, number: str) -> bool:
    """Say whether digits that a text names are the number, or the number as it is written within its country."""
    if ALPHANUMERIC_SENDER.fullmatch(number):
        return False
    own = "".join(filter(str.isdigit, number))
    if digits == own or len(digits) <= _SHORT_CODE_DIGITS or len(own) <= _SHORT_CODE_DIGITS:
        return digits == own
    national = digits.lstrip("0")
    if len(national) < _NATIONAL_DIGITS or own[-_NATIONAL_DIGITS:] != national[-_NATIONAL_DIGITS:]:
        return False
    if own.endswith(national):
        return True
    country = region_of(number)  # abroad or at home it may be written with a prefix: 011 1 833..., 8 912...
    return country is not None and national_reading(digits, country) == number


def judge(  # noqa: PLR0913 (a message, and what is asked of it)
    body: str,
    offered: Offered,
    sender_number: str,
    gate_settings: GateSettings,
    *,
    conversational: bool = False,
    makes_links: bool = False,
) -> str | Rejection:
    """Return the text that may be sent, or why none may; the first line of this table that fits counts.

    `makes_links` says whether this deployment puts opt-out links into messages.

    | the text offers                   | the account                          | the text                             |
    |-----------------------------------|--------------------------------------|--------------------------------------|
    | a word that works, or a link      | any                                  | passes as it is                      |
    | only words that do not work       | any                                  | `word_without_rule`                  |
    | nothing, and it answers a reply   | exempts conversational answers       | passes as it is                      |
    | nothing                           | appends one, by a word or by a link  | passes with it, where that works     |
    | nothing                           | appends one whose word does not work | `word_without_rule`                  |
    | nothing                           | appends a link, and none are made    | `no_links`                           |
    | nothing                           | appends one, and it grows too long   | `too_long`                           |
    | nothing                           | rejects                              | `no_way_out`                         |
    """
    if offered.has_link or any(gate_settings.keeps(word, sender_number) for word in offered.words):
        return body
    if not offered.is_whole:
        whole = Offered(words_offered(body), offered.has_link)
        return judge(body, whole, sender_number, gate_settings, conversational=conversational, makes_links=makes_links)
    if offered.words:
        return _without_rule(offered.words, sender_number, gate_settings)
    if conversational and gate_settings.exempts_conversational:
        return body
    if gate_settings.policy == "append" and gate_settings.instruction:
        return _appended(body, gate_settings.instruction, sender_number, gate_settings, makes_links=makes_links)
    return _no_way_out(sender_number, gate_settings)


def _appended(
    body: str, instruction: str, sender_number: str, gate_settings: GateSettings, *, makes_links: bool
) -> str | Rejection:
    has_link = has_placeholder(instruction)
    if has_link and not makes_links:
        return no_links()
    words = words_offered(instruction)
    if not has_link and not any(gate_settings.keeps(word, sender_number) for word in words):
        return _without_rule(words or (OfferedWord(instruction),), sender_number, gate_settings)
    text = f"{body.rstrip()} {instruction}"
    if len(text) > MAX_BODY_CHARACTERS:
        return Rejection(
            "too_long", f"body: with the account's instruction it is over {MAX_BODY_CHARACTERS} characters"
        )
    return text


def unknown_list(list_id: int) -> Rejection:
    """Return why a message to a list that its account does not have is rejected."""
    return Rejection("unknown_list", f"list_id: the account has no list {list_id}; GET /v1/lists shows its lists")


def no_links() -> Rejection:
    """Return why a message is rejected that has a place for an opt-out link where no links are made."""
    return Rejection("no_links", "body: it has a place for an opt-out link, and STOPLINE_LINK_URL is not set")


def _no_way_out(sender_number: str, gate_settings: GateSettings) -> Rejection:
    words = gate_settings.shown_words(sender_number)
    if not words:
        return Rejection(
            "no_way_out", f"no opt-out rule with a word to name holds on {sender_number}: {_advice(sender_number)}"
        )
    return Rejection(
        "no_way_out",
        f'body: it does not say how to opt out; end it with "Reply {words[0]} to opt out", or have an instruction added'
        " to every message with PUT /v1/account/gate",
    )


def _without_rule(named: tuple[OfferedWord, ...], sender_number: str, gate_settings: GateSettings) -> Rejection:
    elsewhere = next((each for each in named if each.number and not _is_same_number(each.number, sender_number)), None)
    if elsewhere is not None:
        return Rejection(
            "word_without_rule",
            f"body: it is from {sender_number} and says to send {elsewhere.word.upper()[:40]} to {elsewhere.number};"
            " no active opt-out rule for that number matches: name no other, or add such a rule with POST /v1/rules",
        )
    words = ", ".join(gate_settings.shown_words(sender_number)) or f"none: {_advice(sender_number)}"
    names = ", ".join(each.word.upper() for each in named)[:100].replace("\n", " ")
    return Rejection(
        "word_without_rule",
        f"body: no active opt-out rule on {sender_number} matches {names}; words that work on it: {words}",
    )


def _advice(sender_number: str) -> str:
    if ALPHANUMERIC_SENDER.fullmatch(sender_number):
        return "put {{opt_out_link}} into the body, or, if replies to it arrive, add a rule for it with POST /v1/rules"
    return "add a rule with POST /v1/rules"
