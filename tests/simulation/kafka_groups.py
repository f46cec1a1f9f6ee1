"""The coordinator of a simulated Kafka: members, generations, and whose partitions are whose."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import IllegalGenerationError, UnknownMemberIdError

from simulation.kafka_log import Broker

REBALANCE_SECONDS = 3.0
"""How long the others wait for a member that does not join again."""


@dataclass(slots=True)
class Member:
    """A member; `joined` answers its request to join, while it waits for the others."""

    member_id: str
    topics: tuple[str, ...]
    session_seconds: float
    heard_at: float
    joined: Callable[[Any], None] | None = None


@dataclass(slots=True)
class Group:
    """A group: a rebalance is under way while `is_changing`."""

    members: dict[str, Member] = field(default_factory=dict)
    generation: int = 0
    is_changing: bool = False
    changes_since: float = 0.0
    assigned: dict[str, list[TopicPartition]] = field(default_factory=dict)


class Coordinator:
    """The groups of one Kafka; a member that is not heard of for its session's time is put out."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.groups: dict[str, Group] = {}
        self._numbers = 0

    def join(self, name: str, member_id: str | None, topics: tuple[str, ...], session: float, answer: Any) -> None:
        """Have `answer` called with member id, generation and partitions, once all have joined."""
        group = self.groups.setdefault(name, Group())
        if member_id is None or member_id not in group.members:
            self._numbers += 1
            member_id = f"m{self._numbers}"
        now = self._now()
        group.members[member_id] = Member(member_id, topics, session, now, answer)
        if not group.is_changing:
            group.is_changing, group.changes_since = True, now
            self._later(REBALANCE_SECONDS, lambda: self._stop_waiting(name, group))
        self._watch(name, group, group.members[member_id])
        self._complete(name, group)

    def leave(self, name: str, member_id: str | None) -> None:
        group = self.groups.setdefault(name, Group())
        if member_id in group.members:
            self._put_out(name, group, str(member_id))

    def heartbeat(self, name: str, member_id: str, generation: int) -> bool:
        """Say whether the member must join again.

        Raises:
            UnknownMemberIdError: it was put out.
        """
        group = self.groups[name]
        member = group.members.get(member_id)
        if member is None:
            raise UnknownMemberIdError
        member.heard_at = self._now()
        return group.is_changing or generation != group.generation

    def commit(self, name: str, member_id: str, generation: int, offsets: dict[TopicPartition, int]) -> None:
        group = self.groups[name]
        if member_id not in group.members:
            raise UnknownMemberIdError
        if generation != group.generation:
            raise IllegalGenerationError
        self.broker.committed |= {(name, place): offset for place, offset in offsets.items()}

    def _put_out(self, name: str, group: Group, member_id: str) -> None:
        del group.members[member_id]
        group.assigned.pop(member_id, None)
        self.broker.network.note(f"group {name} loses {member_id}")
        if not group.is_changing and group.members:
            group.is_changing, group.changes_since = True, self._now()
            self._later(REBALANCE_SECONDS, lambda: self._stop_waiting(name, group))
        self._complete(name, group)

    def _complete(self, name: str, group: Group) -> None:
        if not group.is_changing or not group.members or any(each.joined is None for each in group.members.values()):
            return
        group.is_changing = False
        group.generation += 1
        group.assigned = {member_id: [] for member_id in group.members}
        topics = sorted({topic for each in group.members.values() for topic in each.topics})
        places = [TopicPartition(topic, at) for topic in topics for at in range(self.broker.partitions[topic])]
        members = sorted(group.members, key=lambda member_id: int(member_id[1:]))
        for number, place in enumerate(places):
            group.assigned[members[number % len(members)]].append(place)
        self.broker.network.note(f"group {name} generation {group.generation} {group.assigned}")
        for member in group.members.values():
            answer, member.joined, member.heard_at = member.joined, None, self._now()
            if answer is not None:
                answer((member.member_id, group.generation, list(group.assigned[member.member_id])))

    def _stop_waiting(self, name: str, group: Group) -> None:
        if group.is_changing and self._now() - group.changes_since >= REBALANCE_SECONDS - 1e-6:
            for member_id in [each.member_id for each in group.members.values() if each.joined is None]:
                self._put_out(name, group, member_id)

    def _watch(self, name: str, group: Group, member: Member) -> None:
        if group.members.get(member.member_id) is not member:
            return
        silent = self._now() - member.heard_at
        if silent >= member.session_seconds and member.joined is None:
            self._put_out(name, group, member.member_id)
            return
        self._later(max(0.2, member.session_seconds - silent), lambda: self._watch(name, group, member))

    def _now(self) -> float:
        return self.broker.network.loop._now

    def _later(self, seconds: float, callback: Callable[[], None]) -> None:
        self.broker.network.outside(seconds, callback)
