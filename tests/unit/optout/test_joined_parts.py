"""Parts of a long text are decided one by one, and together when the last one is there: that can only add."""

from collections import defaultdict
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recipients import NOON, RULES, reply, sent, who_was_sent

from services.optout.attribution import Attribution
from services.optout.decide import Held, OptOut
from services.optout.decision_log.entry import Entry, entry_adapter, entry_text
from services.optout.decision_log.log import Batch, EventAtOffset, decide_batch
from services.optout.decision_log.parts import recorded_part
from services.optout.decision_log.repetitions import Identity, identity_of_entry
from services.optout.decision_log.stored_rules import AccountRules
from services.optout.parts import (
    JOINED_WITHIN,
    MAX_PART_CHARACTERS,
    MAX_PARTS,
    ReceivedPart,
    adds_to,
    joined_texts,
    place_of,
)
from services.optout.rules.rule_match import NO_RULE
from shared.events.inbound import ErasureRequested, MessageReceived

FILLER = "I have been a customer of yours for some eleven years now and I have always liked the coats. "
FIRST = FILLER + "But please st"
LAST = "op texting me"


def part(number: int, total: int, body: str, minute: float = 0, reference: int = 173, **fields: Any) -> MessageReceived:
    at = NOON + timedelta(minutes=minute)
    given = {"gateway": "vonage-sms", "gateway_message_id": uuid4().hex, "sent_at": at, **fields}
    return reply(body, occurred_at=at, part=f"{number}/{total} of {reference}", **given)


class Log:
    """A decision log that keeps what it was given, and decides as the pipeline does."""

    def __init__(self) -> None:
        self.stored: list[tuple[Entry, str]] = []

    def decide(self, *events: Any) -> list[Entry]:
        received = list(enumerate(events, len(self.stored)))
        joined = joined_texts(received, {(events[0].account_id, events[0].phone): self._parts()})
        batch = Batch(0, 0, 0, [EventAtOffset(*each) for each in received])
        people = {(event.account_id, event.phone): who_was_sent(sent(5)) for event in events}
        rules: defaultdict[str, AccountRules] = defaultdict(lambda: AccountRules(RULES))
        found = decide_batch(batch, self._known(), rules, people, NOON, joined=joined)
        self.stored += found
        return [entry for entry, _ in found]

    def bodies(self) -> list[str]:
        return [body for _, body in self.stored]

    def _parts(self) -> list[ReceivedPart]:
        kept = ((entry_adapter.validate_json(entry_text(entry)), body) for entry, body in self.stored)
        return [found for entry, body in kept if (found := recorded_part(entry, body))]

    def _known(self) -> dict[UUID, Identity]:
        return {entry.event_id: identity_of_entry(entry, body) for entry, body in self.stored}


@pytest.mark.parametrize("batches", [1, 2])
def test_a_request_that_is_cut_in_two_is_understood_once_both_parts_are_there(batches: int) -> None:
    log = Log()
    parts = part(1, 2, FIRST), part(2, 2, LAST)
    entries = log.decide(*parts) if batches == 1 else [*log.decide(parts[0]), *log.decide(parts[1])]
    assert [entry.kind for entry in entries[:-1]] == ["none"]
    assert entries[-1].kind in {"opt_out", "held"}
    assert entries[-1].changed == ("list:5",)
    assert log.bodies()[-1] == FIRST + LAST
    shown = entries[-1].part
    assert shown is not None
    assert (shown.is_decided_by_whole, shown.joined) == (True, tuple(each.event_id for each in parts))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_in_which_parts_come_does_not_matter(order: tuple[int, ...]) -> None:
    texts = FILLER, "But please st", LAST
    log = Log()
    for number in order:
        log.decide(part(number + 1, 3, texts[number]))
    assert log.bodies()[-1] == "".join(texts)
    assert log.stored[-1][0].changed == ("list:5",)


def test_a_part_that_never_comes_takes_nothing_from_the_others() -> None:
    log = Log()
    kinds = [each.kind for each in log.decide(part(1, 3, "STOP"), part(2, 3, FILLER))]
    assert (kinds, log.bodies()) == (["opt_out", "none"], ["STOP", FILLER])


def test_an_opt_out_of_the_last_part_alone_is_not_withdrawn_by_the_whole_text() -> None:
    log = Log()
    [_, last] = log.decide(part(1, 2, "The sign at the crossing said to me: "), part(2, 2, "STOP"))
    assert last.kind == "opt_out"
    assert last.part is not None
    assert not last.part.is_decided_by_whole


def test_an_opt_in_that_spans_parts_opts_nobody_in() -> None:
    log = Log()
    log.decide(reply("STOP", sent_at=NOON - timedelta(minutes=5)))
    entries = log.decide(part(1, 2, "STA"), part(2, 2, "RT"))
    assert log.bodies()[-1] == "START"
    assert [entry.changed for entry in entries] == [(), ()]


def test_the_whole_text_is_never_answered() -> None:
    for entry in Log().decide(part(1, 2, "HE"), part(2, 2, "LP")):
        assert entry.follow_ups == ()
        assert entry.confirmation is None


def test_a_repetition_is_passed_over_and_completes_nothing_again() -> None:
    log = Log()
    first, last = part(1, 2, FIRST), part(2, 2, LAST)
    log.decide(first, last)
    assert log.decide(last, first, last) == []
    assert log.decide(part(2, 2, "see you tomorrow", 3))[0].changed == ()
    assert log.bodies()[-1] == "see you tomorrow"


def test_a_number_that_is_used_again_joins_the_newer_parts() -> None:
    log = Log()
    log.decide(part(1, 2, "Which coats "), part(2, 2, "do you have?"))
    log.decide(part(1, 2, FIRST, 5), part(2, 2, LAST, 5))
    assert log.bodies()[1::2] == ["Which coats do you have?", FIRST + LAST]


def test_of_two_parts_with_one_number_the_newer_counts() -> None:
    log = Log()
    log.decide(part(1, 2, "Which coats "), part(1, 2, FIRST, 5), part(2, 2, LAST, 5))
    assert log.bodies()[-1] == FIRST + LAST


@pytest.mark.parametrize(
    "other",
    [
        part(2, 2, LAST, reference=174),
        part(2, 3, LAST),
        part(2, 2, LAST, gateway="smpp"),
        part(2, 2, LAST, sender_number="+18335550999"),
        part(2, 2, LAST, JOINED_WITHIN.total_seconds() / 60 + 1),
    ],
    ids=["another text", "another length", "another gateway", "another number of ours", "too late"],
)
def test_what_belongs_to_another_text_is_not_joined(other: MessageReceived) -> None:
    log = Log()
    log.decide(part(1, 2, FIRST), other)
    assert log.bodies()[-1] == LAST


def test_nothing_is_joined_across_an_erasure() -> None:
    log = Log()
    erasure = ErasureRequested(
        event_id=uuid4(), occurred_at=NOON, account_id="demo", phone=part(1, 2, "x").phone,
        pseudonym=f"erased:{'0' * 8}:{'0' * 32}", reason="asked", by="somebody",
    )  # fmt: skip
    log.decide(part(1, 2, FIRST), erasure, part(2, 2, LAST))
    assert log.bodies()[-1] == LAST


def test_what_is_longer_than_a_part_can_be_is_not_joined() -> None:
    log = Log()
    long = "x" * (MAX_PART_CHARACTERS + 1)
    entries = log.decide(part(1, 2, long), part(2, 2, LAST))
    assert log.bodies() == [long, LAST]
    assert entries[0].part is None


@pytest.mark.parametrize(("whole", "adds"), [(("list:5",), False), (("list:5", "list:6"), True)])
def test_an_opt_out_of_the_whole_text_frees_no_list_that_its_last_part_holds(
    whole: tuple[str, ...], *, adds: bool
) -> None:
    nowhere = Attribution("none", (), None)
    own = Held(NO_RULE, nowhere, ("list:5", "list:6"))
    assert adds_to(OptOut(NO_RULE, nowhere, whole, (), ()), own) is adds


@pytest.mark.parametrize(
    "label", ["", "/ of ", "0/2 of 7", "3/2 of 7", "1/1 of 7", f"1/{MAX_PARTS + 1} of 7", "1/2 of "]
)
def test_what_does_not_say_which_part_it_is_is_a_part_of_nothing(label: str) -> None:
    assert place_of(label) is None
    [entry] = Log().decide(reply("hello", part=label))
    assert entry.part is None


@given(st.data())
def test_whatever_comes_in_whatever_order_opts_out_no_less_than_each_part_by_itself(data: st.DataObject) -> None:
    bodies = data.draw(
        st.lists(st.sampled_from([FILLER, "STOP", "st", "op", "START", FIRST, LAST]), min_size=2, max_size=5)
    )
    parts = [part(number, len(bodies), body) for number, body in enumerate(bodies, 1)]
    came = data.draw(st.permutations([*parts, *data.draw(st.lists(st.sampled_from(parts), max_size=3))]))
    cut = data.draw(st.integers(1, len(came) - 1))
    log, alone = Log(), Log()
    log.decide(*came[:cut])
    log.decide(*came[cut:])
    for each in came:
        alone.decide(each.model_copy(update={"part": "0/0 of 0"}))
    suppressed = {entry.event_id for entry, _ in log.stored if entry.kind in {"opt_out", "held"}}
    assert {entry.event_id for entry, _ in alone.stored if entry.kind in {"opt_out", "held"}} <= suppressed
    assert len(log.stored) == len(bodies)
    assert log.bodies()[-1] == "".join(bodies)
    assert all(entry.kind != "opt_in" for entry, _ in log.stored)


def test_an_entry_without_a_part_is_written_as_it_was_before() -> None:
    [entry] = Log().decide(reply("STOP"))
    assert '"part"' not in entry_text(entry)
