"""What happened in a simulated world, in words that the oracle understands: no service wrote any of it."""

from dataclasses import dataclass, field
from typing import Any, Literal

Wish = Literal["stop", "start", "other"]


@dataclass(slots=True)
class Utterance:
    """Something that a recipient wrote, or that was asked for them; times are those of the world.

    `number` is that of a reply; `scopes` are those of a request. `acknowledged_at` is when Kafka said that it has it.
    """

    event_id: str
    phone: str
    wish: Wish
    written_at: float
    number: str | None = None
    scopes: tuple[str, ...] = ()
    is_timed: bool = True
    """Whether the gateway says when it was written."""
    partition: int = -1
    offset: int | None = None
    acknowledged_at: float | None = None


@dataclass(slots=True)
class Request:
    """A message that the account asked for; more than one record may ask for the same."""

    message_id: str
    phone: str
    list_id: int
    acknowledged_at: float | None = None


@dataclass(slots=True)
class PublishedRecord:
    """A committed record of any topic, with the time from which on it could be read."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: dict[str, Any]
    readable_at: float


@dataclass(slots=True)
class History:
    """All of it; `calls` are the carrier's, `decisions` the rows of the decision log at the end."""

    numbers: dict[int, str]
    utterances: list[Utterance] = field(default_factory=list)
    requests: dict[str, Request] = field(default_factory=dict)
    published: list[PublishedRecord] = field(default_factory=list)
    calls: list[Any] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    suppressions: list[dict[str, Any]] = field(default_factory=list)
    ended_by_bugs: list[str] = field(default_factory=list)
    is_settled: bool = False
    why_not_settled: str = ""
