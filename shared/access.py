"""Rights in Kafka: the one table from which ACLs, documentation and tests are made.

What is not in it is refused by a broker with an authorizer. Whoever may write to `suppressions` is believed by every
sender, so that only the opt-out pipeline may.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from shared import topics

ResourceType = Literal["topic", "group", "transactional-id"]
Operation = Literal["Read", "Write", "Describe", "DescribeConfigs"]

ALL_TOPICS = (
    *topics.PLACED_BY_PHONE,
    topics.OUTBOUND_MESSAGES,
    topics.PARKED_MESSAGES,
    topics.EVIDENCE_ANCHORS,
    topics.INBOUND_STATUS,
)

_REPORTS = (topics.INBOUND_MESSAGES, topics.DELIVERY_EVENTS, topics.PARKED_MESSAGES)


class Acl(NamedTuple):
    """One entry that allows a principal (`User:optout`) one operation, from any host."""

    principal: str
    resource: ResourceType
    name: str
    operation: Operation
    prefixed: bool = False


@dataclass(frozen=True)
class Role:
    """The rights of one kind of client; groups and transactional ids are prefixes of the ones it may use.

    Args:
        name: also the user name, where the deployment does not choose another.
        who: for a person.
        describes: whether it looks at all topics and their configs, as a service does when it starts.
        is_for_trials: whether it gets rights only where a principal is named for it, since production does without.
    """

    name: str
    who: str
    reads: Sequence[str] = ()
    writes: Sequence[str] = ()
    groups: Sequence[str] = ()
    transactional_ids: Sequence[str] = ()
    describes: bool = True
    is_for_trials: bool = False

    def acls(self, principal: str) -> Iterator[Acl]:
        """Return the entries for one principal of this role."""
        yield from (Acl(principal, "topic", name, "Read") for name in self.reads)
        yield from (Acl(principal, "topic", name, "Write") for name in self.writes)
        yield from (Acl(principal, "group", name, "Read", prefixed=True) for name in self.groups)
        for name in self.transactional_ids:
            yield Acl(principal, "transactional-id", name, "Write", prefixed=True)
        for name in ALL_TOPICS if self.describes else ():
            yield Acl(principal, "topic", name, "Describe")
            yield Acl(principal, "topic", name, "DescribeConfigs")


def roles(
    *,
    optout_group: str = "stopline-optout",
    api_group: str = "stopline-api",
    sender_group: str = "stopline-sender",
    poll_group: str = "stopline-poll",
) -> list[Role]:
    """Return the table, for the groups that the services are set to."""
    return [
        Role("inbound", "the inbound service", writes=(*_REPORTS, topics.INBOUND_STATUS)),
        Role(
            "optout",
            "the opt-out pipeline",
            # It reads `suppressions` to repair it.
            reads=(topics.INBOUND_MESSAGES, topics.DELIVERY_EVENTS, topics.SUPPRESSIONS),
            writes=(
                topics.SUPPRESSIONS,
                topics.OPT_OUT_EVENTS,
                topics.DELIVERY_EVENTS,  # that a recipient is erased
                topics.OUTBOUND_MESSAGES,
                topics.PARKED_MESSAGES,
                topics.EVIDENCE_ANCHORS,
            ),
            groups=(optout_group,),
            transactional_ids=(f"{optout_group}-",),
        ),
        *_others(api_group, poll_group),
        Role(
            "sender",
            "the sender",
            reads=(topics.OUTBOUND_MESSAGES, topics.SUPPRESSIONS, topics.DELIVERY_EVENTS, topics.INBOUND_STATUS),
            writes=_REPORTS,
            groups=(sender_group,),
        ),
        *_clients(),
    ]


def _others(api_group: str, poll_group: str) -> list[Role]:
    """Return the roles of processes of ours that decide and send nothing."""
    return [
        Role(
            "api",
            "the customer API",
            reads=(
                topics.INBOUND_MESSAGES,
                topics.OPT_OUT_EVENTS,
                topics.DELIVERY_EVENTS,
                topics.SUPPRESSIONS,
                topics.INBOUND_STATUS,
                topics.PARKED_MESSAGES,
            ),
            writes=(topics.INBOUND_MESSAGES, topics.OUTBOUND_MESSAGES),
            groups=(api_group,),
        ),
        Role("links", "the pages of opt-out links", writes=(topics.INBOUND_MESSAGES,)),
        Role(
            "poll",
            "the process that asks gateways' APIs",
            reads=(topics.INBOUND_STATUS, topics.OPT_OUT_EVENTS),
            writes=(topics.INBOUND_MESSAGES, topics.PARKED_MESSAGES, topics.INBOUND_STATUS),
            groups=(poll_group,),
        ),
        Role(
            "smpp",
            "the process that receives from SMSCs",
            writes=(topics.INBOUND_MESSAGES, topics.DELIVERY_EVENTS, topics.PARKED_MESSAGES),
        ),
    ]


def _clients() -> list[Role]:
    """Return the roles of those who are not services of ours."""
    return [
        Role("producer", "programs that request messages", writes=(topics.OUTBOUND_MESSAGES,), describes=False),
        Role(
            "reader",
            "programs that follow the events, such as a data warehouse",
            reads=(topics.OPT_OUT_EVENTS, topics.DELIVERY_EVENTS, topics.EVIDENCE_ANCHORS),
            groups=("reader-",),
            describes=False,
        ),
        Role(
            "operator",
            "people who inspect parked records and topics, and keep anchors",
            reads=(topics.PARKED_MESSAGES, topics.EVIDENCE_ANCHORS),
            groups=("operator-",),
        ),
        Role(
            "phones",
            "the page of simulated phones, on a Kafka for trying out",
            reads=(
                topics.INBOUND_MESSAGES,
                topics.OPT_OUT_EVENTS,
                topics.SUPPRESSIONS,
                topics.OUTBOUND_MESSAGES,
                topics.DELIVERY_EVENTS,
            ),
            writes=(topics.OUTBOUND_MESSAGES,),
            describes=False,
            is_for_trials=True,
        ),
    ]


def acls(table: Iterable[Role], principals: Mapping[str, Sequence[str]]) -> list[Acl]:
    """Return every entry of the table, for the principals of each role; `User:` and its name where none is given."""
    return [
        acl
        for role in table
        for principal in principals.get(role.name, [] if role.is_for_trials else [f"User:{role.name}"])
        for acl in role.acls(principal)
    ]
