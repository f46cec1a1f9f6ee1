"""A generator of histories, and a simple model of what has to be found in one; it shares no code with the audit.

The model is what a person would say: a STOP is about the list of the message that it answers, a START undoes what was
stopped at the number that it is sent to, and whoever is stopped gets nothing.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from hypothesis import strategies as st

START = datetime(2026, 3, 1, tzinfo=UTC)
NUMBERS = ("+18335550100", "+18335550101")
LISTS = ("news", "offers", "club")
PHONES = ("+14155550123", "+33612345678", "+5511987654321")
WINDOW = timedelta(days=30)
Said = Literal["stop", "stop_all", "start", "chat"]
WORDS: dict[Said, tuple[str, ...]] = {
    "stop": ("STOP", "stop.", "S T O P", "Stop, thank you"),
    "stop_all": ("STOP ALL", "unsubscribe from everything"),
    "start": ("START", "unstop"),
    "chat": ("thanks!", "see you at 5", "do you have size 9?"),
}


@dataclass(frozen=True)
class Message:
    id: str
    at: datetime
    phone: str
    number: str
    list_name: str
    arrived: bool


@dataclass(frozen=True)
class Reply:
    row: int
    at: datetime
    phone: str
    number: str
    said: Said
    text: str
    answers: Message | None


@dataclass
class Stopped:
    cause: Reply
    newest: Reply


@dataclass
class Person:
    got: list[Message] = field(default_factory=list)
    stopped: dict[str, Stopped] = field(default_factory=dict)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Message], list[Reply]]:
    """Return messages, each in a second of its own, and replies at any second, some of them before all messages."""
    seconds = draw(st.lists(st.integers(0, 60 * 86_400), min_size=1, max_size=30, unique=True))
    messages = [
        Message(
            f"m{number}",
            START + timedelta(seconds=second),
            draw(st.sampled_from(PHONES)),
            draw(st.sampled_from(NUMBERS)),
            draw(st.sampled_from(LISTS)),
            draw(st.integers(0, 9)) > 0,
        )
        for number, second in enumerate(seconds)
    ]
    replies = []
    for row in range(draw(st.integers(0, 12))):
        near = draw(st.sampled_from(messages))
        offset = draw(st.sampled_from((0, 1, 30, 3_600, -1, -86_400, 40 * 86_400)))
        said: Said = draw(st.sampled_from(("stop", "stop", "stop_all", "start", "chat")))
        at = near.at + timedelta(seconds=offset)
        is_pointing = said == "stop" and offset > 0 and draw(st.booleans())
        text = draw(st.sampled_from(WORDS[said]))
        number = near.number if is_pointing else draw(st.sampled_from(NUMBERS))
        replies.append(Reply(row + 2, at, near.phone, number, said, text, near if is_pointing else None))
    return messages, replies


def expected(messages: list[Message], replies: list[Reply]) -> dict[str, int]:
    """Return the row of the reply that would have stopped it, for each message that should have been stopped."""
    people = {phone: Person() for phone in PHONES}
    found: dict[str, int] = {}
    order: list[tuple[datetime, int, int, Message | Reply]] = [(m.at, 0, 0, m) for m in messages]
    order += [(r.at, 1, r.row, r) for r in replies]
    for *_, each in sorted(order, key=lambda item: item[:3]):
        person = people[each.phone]
        if isinstance(each, Reply):
            hear(each, person)
            continue
        stopped = person.stopped.get(each.list_name) or person.stopped.get("everything")
        if stopped is not None and each.arrived:
            found[each.id] = stopped.cause.row
        person.got.append(each)
    return found


def hear(reply: Reply, person: Person) -> None:
    if reply.said == "start":
        mine = {s: was for s, was in person.stopped.items() if was.newest.number == reply.number}
        newest = {scope: was for scope, was in mine.items() if latest(was) < reply.at}
        for scope in newest:
            del person.stopped[scope]
    elif reply.said in ("stop", "stop_all"):
        scope = answered(reply, person) if reply.said == "stop" else "everything"
        was = person.stopped.get(scope)
        person.stopped[scope] = Stopped(reply, reply) if was is None else Stopped(was.cause, reply)


def latest(stopped: Stopped) -> datetime:
    return stopped.newest.at


def answered(reply: Reply, person: Person) -> str:
    if reply.answers is not None:
        return reply.answers.list_name
    possible = [
        each for each in person.got if each.number == reply.number and each.arrived and each.at >= reply.at - WINDOW
    ]
    return possible[-1].list_name if possible else "everything"
