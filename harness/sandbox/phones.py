"""The phones and the messages on them."""

from collections import deque
from typing import Any

from harness.sandbox.calls import Call
from harness.sandbox.clock import shown
from harness.sandbox.journal import Journal


class Phones:
    """All phones. Any number exists; of those that received messages, the newest messages are remembered."""

    def __init__(self, max_messages: int, max_messages_per_phone: int) -> None:
        self._max_messages = max_messages
        self._per_phone = max_messages_per_phone
        self._inboxes: dict[str, Journal[Call]] = {}
        self._order: deque[Call] = deque()

    def deliver(self, call: Call) -> None:
        self._inbox(call.phone).add(call)
        self._order.append(call)
        if len(self._order) > self._max_messages:
            self._forget(self._order.popleft())

    def received(self, phone: str) -> Journal[Call]:
        """Return the messages that the phone received; for a phone that received nothing, an empty journal."""
        return self._inboxes.get(phone) or Journal(1)

    async def wait(self, phone: str, at_least: int, timeout_seconds: float) -> None:
        """Return when the phone has received `at_least` messages since the last `clear`, or after the timeout."""
        inbox = self._inbox(phone)
        await inbox.wait(at_least, timeout_seconds)
        self._drop_if_unused(phone)

    def clear(self) -> None:
        self._order.clear()
        for phone, inbox in list(self._inboxes.items()):
            inbox.clear()
            self._drop_if_unused(phone)

    def overview(self, limit: int) -> dict[str, Any]:
        """Return the `limit` phones with the newest messages, and the count of all that have any."""
        latest = [(phone, inbox, last) for phone, inbox in self._inboxes.items() if (last := inbox.last())]
        latest.sort(key=lambda found: found[2].received_at, reverse=True)
        rows = [
            {"phone": phone, "messages": inbox.total, "last_received_at": shown(last.received_at)}
            for phone, inbox, last in latest[:limit]
        ]
        return {"phones": rows, "count": len(latest)}

    def _inbox(self, phone: str) -> Journal[Call]:
        inbox = self._inboxes.get(phone)
        if inbox is None:
            inbox = self._inboxes[phone] = Journal(self._per_phone)
        return inbox

    def _forget(self, call: Call) -> None:
        if call.phone in self._inboxes:
            self._inboxes[call.phone].forget_if_oldest(call)
            self._drop_if_unused(call.phone)

    def _drop_if_unused(self, phone: str) -> None:
        inbox = self._inboxes.get(phone)
        if inbox is not None and not len(inbox) and not inbox.waiting:
            del self._inboxes[phone]
