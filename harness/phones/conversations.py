"""The bubbles on each phone: messages that it received and replies that were written on it. Pure."""

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Any, Literal

from harness.phones.limits import MAX_MESSAGES_PER_PHONE

ReplyState = Literal["sending", "accepted", "again", "refused"]


@dataclass(slots=True)
class Bubble:
    """A message that the phone received, or a reply; `message_id` is ours of the first, the gateway's of the second."""

    message_id: str
    text: str
    at_us: int
    is_reply: bool
    state: ReplyState | None = None
    attempts: int = 0


class Conversations:
    """The newest bubbles of each phone, and how many messages were dropped before they reached it."""

    def __init__(self) -> None:
        self._bubbles: dict[str, deque[Bubble]] = defaultdict(lambda: deque(maxlen=MAX_MESSAGES_PER_PHONE))
        self._dropped: dict[str, int] = defaultdict(int)

    def arrived(self, phone: str, message_id: str, text: str, at_us: int) -> None:
        self._bubbles[phone].append(Bubble(message_id, text, at_us, is_reply=False))

    def replied(self, phone: str, message_id: str, text: str, at_us: int) -> Bubble:
        """Return the bubble of a reply, the one that is there or a new one."""
        known = next((each for each in self._bubbles[phone] if each.is_reply and each.message_id == message_id), None)
        if known is None:
            known = Bubble(message_id, text, at_us, is_reply=True, state="sending")
            self._bubbles[phone].append(known)
        return known

    def dropped(self, phone: str) -> None:
        self._dropped[phone] += 1

    def clear(self) -> None:
        """Forget all, as the sandbox has."""
        self._bubbles.clear()

    def as_json(self, phone: str, list_of: dict[str, int]) -> dict[str, Any]:
        """Return a phone's bubbles; `list_of` has the list of each message by its id."""
        bubbles = [
            {
                "id": each.message_id,
                "text": each.text,
                "at_us": each.at_us,
                "is_reply": each.is_reply,
                "state": each.state,
                "attempts": each.attempts,
                "list_id": None if each.is_reply else list_of.get(each.message_id),
            }
            for each in sorted(self._bubbles[phone], key=lambda each: each.at_us)
        ]
        return {"bubbles": bubbles, "dropped": self._dropped[phone]}
