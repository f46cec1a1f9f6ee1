"""Whatever dies between two writes, is delivered twice, restored or asleep: it publishes what a plain model says."""

import copy
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid5

import pytest
from aiokafka import ConsumerRecord
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from memory import NOON, CrashError, Crashes, MemoryDecisionLog, MemoryKafka, NoAccounts, NothingToCatchUp, states_of
from plain_model import PlainModel

from services.optout.decision_log.position import PositionMovedError
from services.optout.pipeline.parse import parse
from services.optout.pipeline.publish import FencedError
from services.optout.pipeline.session import WorkerSession
from services.optout.pipeline.start import choose_start
from services.optout.recipient import SentMessage
from services.optout.removals import lifted_id, request_id
from shared.events.base import STOPLINE_NAMESPACE, derived_id
from shared.events.codec import encode
from shared.events.inbound import FenceMarkerAppended, MessageReceived
from shared.events.removals import RemovalsRequested, RemovalsUndone
from shared.events.suppression import (
    CheckpointPublished,
    MarkersPassed,
    SuppressionChanged,
    SuppressionsChanged,
    WatermarkAdvanced,
)
from shared.parking import Parking
from shared.suppression_digest import MASK, format_digest, key_digest
from shared.topics import INBOUND_MESSAGES

ACCOUNT = "acme"
PHONES = ["+14155550101", "+14155550102"]
NUMBERS = ["+18335550123", "+18335550999"]
CLEANED = 9
"""A list that nothing is sent to: replies are not about it."""
ManyT = TypeVar("ManyT", RemovalsRequested, RemovalsUndone)
PLACES = [f"{when} the {what}" for what in ("record", "transaction", "markers") for when in ("before", "after")]


def run(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run what never waits: everything is in memory."""
    with pytest.raises(StopIteration):
        coroutine.send(None)


class OptOutPipeline(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.crashes = Crashes()
        self.record, self.kafka = MemoryDecisionLog(self.crashes), MemoryKafka(self.crashes)
        self.model = PlainModel()
        self.log: list[ConsumerRecord] = []
        self.said: list[tuple[str, str, str, MessageReceived, int, int | None]] = []
        self.cleaned: list[RemovalsRequested] = []
        self.asked: list[RemovalsRequested | RemovalsUndone] = []
        self.recorded: list[UUID] = []
        self.time = NOON
        self.sleeping: WorkerSession | None = None
        self.backups: list[MemoryDecisionLog] = []
        self.furthest = self.newest = self.checked = 0
        self.epoch: str | None = None

    @initialize()
    def begins(self) -> None:
        for phone in PHONES:
            self.is_sent(phone, 1, "")
        self._start()

    # What happens outside

    @rule(phone=st.sampled_from(PHONES), list_id=st.integers(1, 3), asks_for=st.sampled_from(["", "YES", "START"]))
    def is_sent(self, phone: str, list_id: int, asks_for: str) -> None:
        self.time += timedelta(minutes=1)
        message_id = f"m-{self.time.timestamp()}"
        instruction = f"Reply {asks_for} to subscribe" if asks_for else None
        message = SentMessage(message_id, list_id, NUMBERS[0], None, "sent", self.time, instruction)
        for record in (self.record, *self.backups):
            record.sent[ACCOUNT, phone].append(message)
        self.model.is_sent(phone, NUMBERS[0], list_id, asks_for)

    @rule(
        phone=st.sampled_from(PHONES),
        said=st.lists(
            st.tuples(
                st.sampled_from(NUMBERS),
                st.sampled_from(["STOP", "START", "YES", "STOP ALL", "hm"]),
                st.sampled_from([None, 0, 1, 5, 9, 30]),
            ),
            min_size=1,
            max_size=5,
        ),
    )
    def writes(self, phone: str, said: list[tuple[str, str, int | None]]) -> None:
        for number, word, late in said:
            self._says(phone, number, word, late)

    def _says(self, phone: str, number: str, word: str, late: int | None) -> None:
        """`late` is how many tenths of a second before its arrival it was written; None: the gateway does not say."""
        self.time += timedelta(milliseconds=500)
        written = None if late is None else self._tenths() - late
        event = MessageReceived(
            event_id=uuid5(STOPLINE_NAMESPACE, str(len(self.said))),
            occurred_at=self.time,
            account_id=ACCOUNT,
            gateway="test",
            phone=phone,
            sender_number=number,
            body=word,
            sent_at=None if late is None else self.time - timedelta(milliseconds=100 * late),
        )
        self._append(encode(event))
        self.said.append((phone, number, word, event, self._tenths(), written))
        self.recorded.append(event.event_id)
        self.model.says(phone, number, word, event.event_id, self._tenths(), written)

    def _tenths(self) -> int:
        return round((self.time - NOON).total_seconds() * 10) + 1_000_000

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def is_delivered_again(self, data: st.DataObject) -> None:
        phone, number, word, event, arrived, written = data.draw(st.sampled_from(self.said))
        self._append(encode(event))
        self.model.says(phone, number, word, event.event_id, arrived, written)

    @rule(phones=st.lists(st.sampled_from(PHONES), min_size=1, unique=True))
    def the_list_is_cleaned_up(self, phones: list[str]) -> None:
        self.cleaned.append(self._removals(RemovalsRequested, phones))

    @precondition(lambda self: self.cleaned)
    @rule(data=st.data())
    def a_clean_up_is_undone(self, data: st.DataObject) -> None:
        cleaned = data.draw(st.sampled_from(self.cleaned))
        self._removals(RemovalsUndone, list(cleaned.phones), clean_up_id=cleaned.job_id)

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def a_part_of_a_job_is_published_again(self, data: st.DataObject) -> None:
        self._ask(data.draw(st.sampled_from(self.asked)))

    def _removals(self, kind: type[ManyT], phones: list[str], **more: UUID) -> ManyT:
        self.time += timedelta(milliseconds=500)
        job_id = uuid5(STOPLINE_NAMESPACE, f"job {len(self.asked)}")
        common = {"event_id": derived_id(job_id, phones[0]), "occurred_at": self.time, "account_id": ACCOUNT}
        event = kind(**common, list_id=CLEANED, phones=tuple(phones), by="ada", job_id=job_id, **more)  # type: ignore[arg-type]
        self.asked.append(event)
        self._ask(event)
        return event

    def _ask(self, event: RemovalsRequested | RemovalsUndone) -> None:
        self._append(encode(event))
        scope = f"list:{CLEANED}"
        requests = [(phone, UUID(request_id(event, phone)), lifted_id(event, phone)) for phone in event.phones]
        self.model.asks_for_many(scope, [(phone, each, lifts and UUID(lifts)) for phone, each, lifts in requests])
        self.recorded += [each for _, each, _ in requests]

    @rule(value=st.sampled_from([encode(FenceMarkerAppended(marker_id=STOPLINE_NAMESPACE)), b"no event"]))
    def something_else_is_written(self, value: bytes) -> None:
        self._append(value)
        self.model.passes()

    def _append(self, value: bytes) -> None:
        offset = len(self.log)
        self.log.append(ConsumerRecord(INBOUND_MESSAGES, 0, offset, 0, 0, None, value, None, 0, len(value), ()))

    # What the service does

    @rule(most=st.integers(1, 6))
    def works(self, most: int) -> None:
        self._work(most)

    @precondition(lambda self: self.session.published < len(self.log))
    @rule(place=st.sampled_from(PLACES), most=st.integers(1, 6))
    def dies(self, place: str, most: int) -> None:
        self.crashes.armed = place
        with suppress(CrashError):
            self._work(most)
        self.crashes.armed = None
        self._start()

    @rule()
    def is_restarted(self) -> None:
        self._start()

    @rule()
    def falls_asleep_while_another_takes_over(self) -> None:
        self.sleeping = self.session
        self._start()

    @precondition(lambda self: self.sleeping is not None and self.sleeping.published < len(self.log))
    @rule(most=st.integers(1, 6))
    def the_sleeper_wakes_up(self, most: int) -> None:
        assert self.sleeping is not None
        published = len(self.kafka.suppressions)
        with suppress(FencedError, PositionMovedError):
            self._step(self.sleeping, most)
        assert all(isinstance(event, MarkersPassed) for _, event in self.kafka.suppressions[published:])

    @rule()
    def the_committed_offset_expires(self) -> None:
        self.kafka.committed = None
        self._start()

    @rule()
    def a_backup_is_made(self) -> None:
        self.backups = [copy.deepcopy(self.record)]

    @precondition(lambda self: self.backups)
    @rule()
    def the_backup_is_restored(self) -> None:
        self.record = self.backups.pop()
        self.record._crashes = self.crashes
        self.sleeping = None
        self._start()

    def _start(self) -> None:
        publisher = self.kafka.producer()
        start = choose_start(self.record.at, self.kafka.committed, 0, len(self.log))
        self.session = WorkerSession(
            0,
            start,
            self.record,
            publisher,
            NothingToCatchUp(),
            account_settings=NoAccounts(),
            checkpoint_seconds=0,
            seconds=lambda: 0.0,
        )
        run(self.session.start())

    def _work(self, most: int) -> None:
        try:
            self._step(self.session, most)
        except PositionMovedError:  # a sleeper has recorded it: begin again, and publish that
            self._start()

    def _step(self, session: WorkerSession, most: int) -> None:
        self.record.now = self.time
        records = self.log[session.published : session.published + most]
        if records:
            for parsed in parse(records, 1, Parking("test"), self.time):
                run(session.process(parsed))

    # What must hold

    @invariant()
    def what_the_topic_says_is_never_older_than_its_watermark(self) -> None:
        view = self._view(self.checked)
        for key, event in self.kafka.suppressions[self.checked :]:
            match event:
                case SuppressionChanged() | SuppressionsChanged():
                    for who, state in states_of(event).items():
                        view[who] = state
                        newer = [states.get(who) for states in self.model.states[self.newest :]]
                        assert state in newer, "a sender that trusts the watermark would use an old state"
                case CheckpointPublished():
                    suppressed = [each for each, state in view.items() if state == "opted_out"]
                    digest = sum(key_digest(ACCOUNT, scope, int(phone[1:])) for phone, scope in suppressed) & MASK
                    assert (event.suppressed_count, event.digest) == (len(suppressed), format_digest(digest)), key
                case MarkersPassed(settings_epoch=epoch) if epoch != self.epoch:
                    pass  # of a session that has a successor
                case WatermarkAdvanced(next_offset=watermark) | MarkersPassed(next_offset=watermark):
                    self.epoch = event.settings_epoch
                    later = self.model.states[watermark:]
                    assert all(view.get(who) in [states.get(who) for states in later] for who in {*view, *later[0]})
                    self.newest, self.furthest = watermark, max(self.furthest, watermark)
        self.checked = len(self.kafka.suppressions)

    def _view(self, length: int) -> dict[tuple[str, str], str]:
        return {who: state for _, event in self.kafka.suppressions[:length] for who, state in states_of(event).items()}

    def teardown(self) -> None:
        if not hasattr(self, "session"):
            return
        while self.session.published < len(self.log):
            self._work(3)
        self.what_the_topic_says_is_never_older_than_its_watermark()
        assert self._view(self.checked) == self.model.states[-1]
        assert self._published() == [
            derived_id(cause, "opt_out" if what == "opted_out" else "opt_in", scope)
            for what, scope, cause in self.model.published
        ]
        assert [entry.event_id for entry in self.record.stored] == list(dict.fromkeys(self.recorded))

    def _published(self) -> list[UUID]:
        """Return the ids of the opt-out events, each once, in the order in which they were first published."""
        return list(dict.fromkeys(event.event_id for event in self.kafka.opt_out_events))


TestOptOutPipeline = OptOutPipeline.TestCase
TestOptOutPipeline.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
