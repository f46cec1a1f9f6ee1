"""A simulated world: one Kafka, two databases, a carrier, pipelines and senders, and the people who write."""

import json
from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID

from aiokafka import TopicPartition

from services.optout.decision_log.topics import ask_for_repair
from shared.events.codec import cloud_event_headers, encode
from shared.events.delivery import DeliveryReceiptReceived
from shared.events.inbound import MessageReceived, OptInRequested, OptOutRequested
from shared.events.outbound import MessageRequested
from shared.partitions import partition_of
from shared.topics import (
    DELIVERY_EVENTS,
    EVIDENCE_ANCHORS,
    INBOUND_MESSAGES,
    OPT_OUT_EVENTS,
    OUTBOUND_MESSAGES,
    PARKED_MESSAGES,
    SUPPRESSIONS,
)
from simulation import processes, sql_of_decision_log, sql_of_ledger
from simulation.carrier import CarrierCall, CarrierFaults, SimulatedCarrier
from simulation.connections import SimulatedPool
from simulation.database import Database
from simulation.history import History, PublishedRecord, Request, Utterance, Wish
from simulation.kafka_groups import Coordinator
from simulation.kafka_log import Broker, LoggedRecord, encoded
from simulation.network import Network
from simulation.virtual_loop import SimulatedProcess, VirtualLoop

ACCOUNT = "shop"
NUMBERS = {1: "+31970000001", 2: "+31970000002"}
PHONES = ("+31612345670", "+31612345671", "+31612345673")
TEXT = "Sale! Reply STOP to opt out"
WORDS: dict[Wish, tuple[str, ...]] = {
    "stop": ("STOP", "stop", "Stop."), "start": ("START", "start"), "other": ("thanks",),
}  # fmt: skip
OUTCOMES = frozenset(
    {"message_sent", "message_suppressed", "message_rejected", "message_failed", "message_outcome_unknown"}
)


class World:
    """Everything of one seed.

    Args:
        random: where all chance of this seed comes from.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.loop = VirtualLoop(Random(random.random()))
        self.network = Network(self.loop, Random(random.random()))
        every = processes.PARTITIONS
        topics = dict.fromkeys(
            (INBOUND_MESSAGES, OPT_OUT_EVENTS, SUPPRESSIONS, OUTBOUND_MESSAGES, DELIVERY_EVENTS), every
        )
        self.broker = Broker(self.network, {**topics, PARKED_MESSAGES: 1, EVIDENCE_ANCHORS: every})
        self.coordinator = Coordinator(self.broker)
        self.optout = Database(self.network, sql_of_decision_log.STATEMENTS, "optout")
        self.ledger = Database(self.network, sql_of_ledger.STATEMENTS, "sender")
        self.carrier = SimulatedCarrier(self.network, Random(random.random()), CarrierFaults())
        self.history = History(NUMBERS, calls=self.carrier.calls)
        self.processes: dict[str, SimulatedProcess] = {}
        self.under_way = 0
        """Actions that are still to happen."""
        self.watermarks = dict.fromkeys(range(every), -1)
        self.epochs: dict[int, str] = {}
        self.without_outcome: set[str] = set()
        self._ids = 0
        self._started = 0
        self.broker.observers.append(self._note_published)
        self.carrier.on_taken = self._message_arrives
        self._fill_database()

    def _fill_database(self) -> None:
        self.optout.table("accounts")[ACCOUNT,] = {"account_id": ACCOUNT}
        for list_id in NUMBERS:
            self.optout.table("contact_lists")[ACCOUNT, list_id] = {"account_id": ACCOUNT, "list_id": list_id}

    # Time.

    def later(self, seconds: float, action: Callable[..., None], *arguments: Any) -> None:
        """Have the action happen later; the world is not at rest before."""
        self.under_way += 1

        def act() -> None:
            self.under_way -= 1
            action(*arguments)

        self.network.outside(seconds, act)

    # Processes.

    def start_pipeline(self, name: str) -> None:
        self._start(name, lambda: processes.run_pipeline(self.optout))

    def start_sender(self, name: str) -> None:
        self._start(name, lambda: processes.run_sender(self.ledger))

    def _start(self, name: str, main: Callable[[], Any]) -> None:
        self._started += 1
        process = SimulatedProcess(f"{name}#{self._started}")
        self.processes[name] = process
        self.network.note(f"{process.name} starts")
        task = self.loop.start(process, main())
        task.add_done_callback(lambda done: self._ended(name, process, done))

    def _ended(self, name: str, process: SimulatedProcess, task: Any) -> None:
        """A process that ends by itself has met a bug: its supervisor starts it again."""
        if process.is_dead:
            return
        error = None if task.cancelled() else task.exception()
        self.history.ended_by_bugs.append(f"{process.name}: {error!r}")
        self.network.note(f"{process.name} ends: {error!r}")
        self.loop.kill(process)
        self.later(1.0, self.restart, name)

    def kill(self, name: str, seconds: float) -> None:
        """Kill a process, and start its successor after this many seconds."""
        process = self.processes[name]
        if not process.is_dead:
            self.network.note(f"{process.name} is killed")
            self.loop.kill(process)
            self.later(seconds, self.restart, name)

    def restart(self, name: str) -> None:
        (self.start_pipeline if name.startswith("pipeline") else self.start_sender)(name)

    def freeze(self, name: str, seconds: float) -> None:
        process = self.processes[name]
        if not process.is_dead and not process.is_frozen:
            self.network.note(f"{process.name} is frozen for {seconds:.2f}")
            self.loop.freeze(process)
            self.later(seconds, self.loop.thaw, process)

    def repair(self) -> None:
        """Do what `stopline topics repair` does: an operator's answer where caches differ from their checkpoints."""
        self.network.note("stopline topics repair")
        operator = SimulatedProcess("operator")

        async def ask() -> None:
            async with SimulatedPool(self.optout).acquire(timeout=1.0) as connection:
                await ask_for_repair(connection)  # type: ignore[arg-type]

        self.loop.start(operator, ask())

    # People, and those who serve them.

    def new_id(self) -> UUID:
        self._ids += 1
        return UUID(int=(0x5109 << 112) | (4 << 76) | (8 << 60) | self._ids)

    def request(self, phone: str, list_id: int, message_id: str | None = None) -> None:
        """The account asks for a message."""
        if message_id is None:
            self._ids += 1
            message_id = f"m{self._ids}"
        event = MessageRequested(
            account_id=ACCOUNT, message_id=message_id, list_id=list_id, phone=phone, sender_number=NUMBERS[list_id],
            body=TEXT,
        )  # fmt: skip
        request = self.history.requests.setdefault(message_id, Request(message_id, phone, list_id))
        place = TopicPartition(OUTBOUND_MESSAGES, self.random.randrange(processes.PARTITIONS))

        def acknowledged(_: int) -> None:
            request.acknowledged_at = self.loop._now

        self.without_outcome.add(message_id)
        self._append(place, event, phone, acknowledged)

    def reply(self, phone: str, list_id: int, wish: Wish, pointer: str | None = None) -> None:
        """A recipient writes to the number of a list; the inbound service publishes it."""
        written_at = self.loop._now
        sent_at = self.network.wall() if self.random.random() < 0.85 else None
        event_id = self.new_id()
        event = MessageReceived(
            event_id=event_id, occurred_at=self.network.wall(), account_id=ACCOUNT, gateway="clicksend",
            gateway_message_id=str(event_id), phone=phone, sender_number=NUMBERS[list_id],
            body=self.random.choice(WORDS[wish]), replied_message_id=pointer, sent_at=sent_at,
        )  # fmt: skip
        self._say(
            event,
            Utterance(str(event_id), phone, wish, written_at, number=NUMBERS[list_id], is_timed=sent_at is not None),
        )

    def ask(self, phone: str, wish: Wish, scopes: tuple[str, ...]) -> None:
        """The API is asked to opt a phone out or in."""
        event_id, now = self.new_id(), self.network.wall()
        event: Any
        if wish == "stop":
            event = OptOutRequested(
                event_id=event_id, occurred_at=now, account_id=ACCOUNT, phone=phone, scopes=scopes, by="api",
                source="api", asked_at=now,
            )  # fmt: skip
        else:
            event = OptInRequested(
                event_id=event_id, occurred_at=now, account_id=ACCOUNT, phone=phone, scopes=scopes, by="api",
                source="api", statement="yes", consented_at=now,
            )  # fmt: skip
        self._say(event, Utterance(str(event_id), phone, wish, self.loop._now, scopes=scopes))

    def _say(self, event: Any, utterance: Utterance) -> None:
        place = TopicPartition(INBOUND_MESSAGES, partition_of(event.phone, processes.PARTITIONS))
        utterance.partition = place.partition
        self.history.utterances.append(utterance)

        def acknowledged(offset: int) -> None:
            utterance.offset, utterance.acknowledged_at = offset, self.loop._now
            self.network.note(f"acknowledged: {utterance.wish} of {utterance.phone} at {place.partition}:{offset}")
            if utterance.wish == "stop":
                self._send_after(utterance)

        self._append(place, event, event.phone, acknowledged)
        if utterance.number is not None and self.random.random() < 0.15:  # the gateway repeats its webhook
            self.later(self.random.random() * 1.5, self._append, place, event, event.phone, lambda _: None)

    def _send_after(self, utterance: Utterance) -> None:
        """Ask for messages that must not leave any more."""
        for _ in range(self.random.randrange(1, 4)):
            self.later(self.random.random() * 2.5, self.request, utterance.phone, self.random.choice((1, 1, 2)))

    def _append(self, place: TopicPartition, event: Any, key: str, acknowledged: Callable[[int], None]) -> None:
        record = encoded(key.encode(), encode(event), cloud_event_headers(event, "simulation"))

        def arrive() -> None:
            wait = self.network.until_up("kafka") + self.network.until_up(f"{place.topic}/{place.partition}")
            if wait:
                self.later(wait, arrive)
                return
            offset = self.broker.append(place, [record])
            self.later(self.network.delay(), acknowledged, offset)

        self.later(self.network.delay(), arrive)

    def _message_arrives(self, call: CarrierCall) -> None:
        """The carrier has taken a message: a receipt may follow, and its recipient may answer."""
        drawn = self.random.random()
        list_id = next(each for each, number in NUMBERS.items() if number == call.sender_number)
        pointer = call.message_id if self.random.random() < 0.5 else None
        if drawn < 0.25:
            self.later(self.random.random() * 0.6, self.reply, call.phone, list_id, "stop", pointer)
        elif drawn < 0.3:
            self.later(self.random.random() * 0.6, self.reply, call.phone, list_id, "other", pointer)
        if self.random.random() < 0.3:
            self.later(0.05 + self.random.random() * 4.0, self._receipt, call)

    def _receipt(self, call: CarrierCall) -> None:
        event = DeliveryReceiptReceived(
            event_id=self.new_id(), occurred_at=self.network.wall(), account_id=ACCOUNT, message_id=call.message_id,
            phone=call.phone, gateway="generic", status="delivered", gateway_status="delivered",
            carrier_message_id=f"c-{call.message_id}",
        )  # fmt: skip
        place = TopicPartition(DELIVERY_EVENTS, partition_of(call.phone, processes.PARTITIONS))
        self._append(place, event, call.phone, lambda _: None)

    # What was published.

    def _note_published(self, logged: LoggedRecord) -> None:
        record = logged.record
        if record.topic == EVIDENCE_ANCHORS or record.value is None:
            return
        value: dict[str, Any] = json.loads(record.value)
        kind = value.get("type", "")
        if kind == "watermark_advanced":
            self.watermarks[record.partition] = value["next_offset"]
            self.epochs[record.partition] = value["settings_epoch"]
        elif kind == "markers_passed" and self.epochs.get(record.partition) == value["settings_epoch"]:
            self.watermarks[record.partition] = value["next_offset"]
        elif kind in OUTCOMES:
            self.without_outcome.discard(value["message_id"])
        self.history.published.append(
            PublishedRecord(record.topic, record.partition, record.offset, record.key, value, self.loop._now)
        )

    def why_not_at_rest(self) -> str:
        """Return what is still to be done; nothing: the world is at rest."""
        if self.under_way:
            return f"{self.under_way} actions are under way"
        if self.without_outcome:
            return f"no outcome of {sorted(self.without_outcome)}"
        for partition, watermark in self.watermarks.items():
            end = self.broker.logs[TopicPartition(INBOUND_MESSAGES, partition)].end
            if watermark < end:
                return f"partition {partition} is decided to {watermark} of {end}"
        return ""

    def finish(self) -> History:
        history = self.history
        history.decisions = list(self.optout.committed("decisions").values())
        history.suppressions = list(self.optout.committed("suppressions").values())
        history.why_not_settled = self.why_not_at_rest()
        history.is_settled = not history.why_not_settled
        return history
