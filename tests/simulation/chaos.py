"""What happens in a world: who writes when, which messages are asked for, and what goes wrong."""

from random import Random

from aiokafka import TopicPartition

from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, SUPPRESSIONS
from simulation.simulated_world import PHONES, World
from simulation.virtual_loop import process_now

ACTIVE_SECONDS = 4.5
OPTOUT_PLACES = (
    "optout.after_poll", "optout.after_position", "optout.after_load", "optout.before_record_commit",
    "optout.after_record_commit", "optout.after_begin", "optout.after_sends", "optout.after_offsets",
    "optout.before_kafka_commit", "optout.after_kafka_commit",
)  # fmt: skip
SENDER_PLACES = (
    "sender.before_fence", "sender.after_fence", "sender.after_claim", "sender.after_dispatching_event",
    "sender.at_the_write", "sender.after_carrier_call", "sender.after_settle", "sender.after_outcome_event",
    "sender.before_commit", "sender.after_commit", "sender.after_drop_rows", "sender.after_drop_events",
)  # fmt: skip


class KilledError(BaseException):
    """The end of a process in the middle of a step."""


class Chaos:
    """The plan of a seed: at most a few faults, or nobody could say what was found."""

    def __init__(self, world: World, random: Random) -> None:
        self.world = world
        self.random = random
        self.planned: list[str] = []
        self._traps: dict[str, tuple[int, str, float]] = {}
        """By place: the hit at which something happens, what, and for how long."""
        self._hits: dict[str, int] = {}

    def begin(self) -> None:
        """Start the processes, and plan all that happens."""
        world, random = self.world, self.random
        self.pipelines = [f"pipeline-{number}" for number in range(1 + (random.random() < 0.6))]
        self.senders = [f"sender-{number}" for number in range(1 + (random.random() < 0.5))]
        for name in self.pipelines:
            world.later(random.random() * 0.3, world.start_pipeline, name)
        for name in self.senders:
            world.later(random.random() * 0.3, world.start_sender, name)
        self._plan_people()
        if random.random() < 0.3:
            world.network.slow_share = random.choice((0.01, 0.03, 0.08))
            self.planned.append(f"slow network {world.network.slow_share}")
        faults = (
            self._trap, self._trap, self._zombie, self._zombie, self._at_a_step, self._at_a_step, self._outage,
            self._new_leader, self._restored, self._clock, self._compaction,
        )  # fmt: skip
        for _ in range(random.choice((0, 1, 1, 2, 2, 3))):
            random.choice(faults)()

    def _plan_people(self) -> None:
        world, random = self.world, self.random
        for _ in range(random.randrange(5, 10)):
            at, phone = 0.3 + random.random() * ACTIVE_SECONDS, random.choice(PHONES)
            world.later(at, world.request, phone, random.choice((1, 1, 2)))
        for _ in range(random.randrange(2, 5)):
            self._plan_a_change_of_mind()
        if random.random() < 0.5:
            self._plan_repetition()

    def _plan_a_change_of_mind(self) -> None:
        """Somebody opts out and in, by words or by the API: what came last must hold."""
        world, random = self.world, self.random
        phone, list_id = random.choice(PHONES), random.choice((1, 1, 2))
        at = 0.2 + random.random() * (ACTIVE_SECONDS - 2.0)
        for wish in random.choice(
            (("stop",), ("stop", "start"), ("stop", "start", "stop"), ("start", "stop"), ("other",))
        ):
            if wish != "other" and random.random() < 0.25:
                scope = "account" if random.random() < 0.3 else f"list:{list_id}"
                world.later(at, world.ask, phone, wish, (scope,))
            else:
                world.later(at, world.reply, phone, list_id, wish)
            at += random.choice((0.003, 0.1, 0.7, 1.5)) * (0.5 + random.random())

    def _plan_repetition(self) -> None:
        """The producer asks twice for the same message."""
        world, random = self.world, self.random
        at, phone = 0.3 + random.random() * ACTIVE_SECONDS, random.choice(PHONES)
        for _ in range(2):
            world.later(at, world.request, phone, 1, "twice")
            at += random.random() * 2.0

    # Faults.

    def _moment(self) -> float:
        return 0.4 + self.random.random() * ACTIVE_SECONDS

    def _trap(self) -> None:
        """A process dies, sleeps, or the whole machine stops, at a named place of the code."""
        places = OPTOUT_PLACES if self.random.random() < 0.5 else SENDER_PLACES
        place, what = self.random.choice(places), self.random.choice(("kill", "freeze", "freeze", "pause"))
        seconds = self.random.choice((0.3, 1.5, 4.0)) * (0.5 + self.random.random())
        hit = self.random.choice((1, 2, 3, 5, 8, 13))
        self._traps[place] = hit, what, seconds
        self.planned.append(f"{what} at {place}, hit {hit}, {seconds:.2f} s")

    def _zombie(self) -> None:
        """A worker falls asleep between Postgres and Kafka, with a START; a STOP comes before it wakes up."""
        world, random = self.world, self.random
        place = random.choice(("optout.after_record_commit", "optout.after_record_commit", "optout.after_begin"))
        at, seconds = 1.2 + random.random() * 2.0, 3.0 + random.random() * 3.0
        phone, list_id = random.choice(PHONES), random.choice((1, 2))
        for after, wish in ((-0.6, "stop"), (0.0, "start"), (0.1 + random.random() * 2.0, "stop")):
            world.later(at + after, world.reply, phone, list_id, wish)
        for soon in (0.1, 0.15, 0.2, 0.3):
            world.later(at + seconds + soon, world.request, phone, list_id)
        world.later(at, lambda: self._traps.__setitem__(place, (self._hits.get(place, 0) + 1, "sleep", seconds)))
        self.planned.append(f"freeze at {place}, soon after {at:.2f}, {seconds:.2f} s")
        if len(self.pipelines) == 1:
            self.pipelines.append("pipeline-1")
            world.later(0.2, world.start_pipeline, "pipeline-1")

    def reached(self, place: str) -> None:
        hits = self._hits[place] = self._hits.get(place, 0) + 1
        trap = self._traps.get(place)
        if trap is None:
            return
        hit, what, seconds = trap
        if hits != hit:
            return
        process, world = process_now.get(), self.world
        name = process.name.partition("#")[0]
        world.network.note(f"{process.name} is at {place}")
        if what == "kill":
            world.kill(name, seconds)
            raise KilledError
        if what == "sleep":  # and hears only late from its group
            outages, thaws_at = world.network.outages, world.loop._now + seconds
            world.later(seconds - 0.001, lambda: outages.__setitem__("coordinator", thaws_at + 0.3 + seconds / 4))
        if what in ("freeze", "sleep"):
            process.acts_at, process.act = process.steps, lambda: world.freeze(name, seconds)
        else:
            world.network.note(f"the machine stops for {seconds:.2f}")
            world.loop._now += seconds

    def _at_a_step(self) -> None:
        """A process dies or sleeps at any `await`."""
        name, at = self.random.choice([*self.pipelines, *self.senders]), self._moment()
        steps, seconds = (
            self.random.randrange(1, 150),
            self.random.choice((0.2, 1.0, 4.0)) * (0.5 + self.random.random()),
        )
        kills = self.random.random() < 0.5
        self.planned.append(f"{'kill' if kills else 'freeze'} {name}, {steps} steps after {at:.2f}, {seconds:.2f} s")

        def plant() -> None:
            process = self.world.processes[name]
            process.acts_at = process.steps + steps
            process.act = lambda: (self.world.kill if kills else self.world.freeze)(name, seconds)

        self.world.later(at, plant)

    def _outage(self) -> None:
        """Kafka or a database does not answer for a while; what was under way arrives afterwards."""
        server, at, seconds = (
            self.random.choice(("kafka", "optout", "sender")),
            self._moment(),
            0.2 + self.random.random() * 3,
        )
        self.planned.append(f"{server} does not answer from {at:.2f} for {seconds:.2f} s")
        outages, loop = self.world.network.outages, self.world.loop
        self.world.later(at, lambda: outages.__setitem__(server, loop._now + seconds))

    def _new_leader(self) -> None:
        """A partition has no leader for a while; the old one still answers where it ends."""
        topic, number = self.random.choice((INBOUND_MESSAGES, DELIVERY_EVENTS, SUPPRESSIONS)), self.random.randrange(2)
        at, seconds = self._moment(), 0.2 + self.random.random() * 2
        self.planned.append(f"{topic}/{number} has no leader from {at:.2f} for {seconds:.2f} s")
        world, log = self.world, self.world.broker.logs[TopicPartition(topic, number)]

        def cut_off() -> None:
            world.network.outages[f"{topic}/{number}"] = world.loop._now + seconds
            log.stale_end = log.stable_end()
            world.later(seconds, lambda: setattr(log, "stale_end", None))

        world.later(at, cut_off)

    def _restored(self) -> None:
        """The decision log's database is restored from a backup."""
        at, age = 1.0 + self.random.random() * ACTIVE_SECONDS, 0.1 + self.random.random() * 3
        self.planned.append(f"the decision log is restored at {at:.2f} from {age:.2f} s before")
        backups: list[object] = []
        self.world.later(max(0.0, at - age), lambda: backups.append(self.world.optout.backup()))
        self.world.later(at, lambda: self.world.optout.restore(backups[0]))  # type: ignore[arg-type]
        for phone in PHONES:  # a worker notices a restored database by the markers of those who want to send
            self.world.later(at + 1.5 + self.random.random() * 2.0, self.world.request, phone, 1)
        self.world.later(at + 6.0 + self.random.random(), self.world.repair)

    def _clock(self) -> None:
        """A machine's wall clock jumps."""
        name, at, by = (
            self.random.choice([*self.pipelines, *self.senders]),
            self._moment(),
            self.random.uniform(-40, 40),
        )
        self.planned.append(f"the clock of {name} jumps by {by:.1f} s at {at:.2f}")
        self.world.later(at, lambda: setattr(self.world.processes[name], "clock_is_off_by", by))

    def _compaction(self) -> None:
        """Kafka compacts the topic of the suppressions."""
        at = self._moment()
        self.planned.append(f"suppressions is compacted at {at:.2f}")

        def compact() -> None:
            for place, log in self.world.broker.logs.items():
                if place.topic == SUPPRESSIONS:
                    log.compact()

        self.world.later(at, compact)
