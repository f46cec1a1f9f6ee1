"""A phone on the sandbox carrier: what it received, and its replies."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from stopline_pytest.errors import StoplineError, UnexpectedMessageError
from stopline_pytest.waits import not_in_time

if TYPE_CHECKING:
    from stopline_pytest.account import Account
    from stopline_pytest.json_http import Json
    from stopline_pytest.outcomes import Outcome

__tracebackhide__ = True  # a failure shows the test's own line
_LONGEST_POLL_SECONDS = 30.0
_MARGIN_SECONDS = 10.0
_ACCEPTED = range(200, 300)


@dataclass(frozen=True)
class ReceivedMessage:
    """A message on a phone."""

    message_id: str
    carrier_message_id: str
    sender_number: str
    body: str
    received_at: str

    def __str__(self) -> str:
        return f"{self.received_at}  from {self.sender_number}  {self.body!r}  (message {self.message_id})"


@dataclass(frozen=True)
class Reply:
    """A reply that the webhook accepted: from then on no message that it forbids leaves."""

    text: str
    form: Json
    """What was posted, field by field."""


class Phone:
    """A phone. Messages of other accounts to the same number are not shown."""

    def __init__(self, account: Account, number: str) -> None:
        self.account = account
        self.number = number
        self._expected: set[str] = set()

    def __repr__(self) -> str:
        return f"Phone({self.number!r})"

    def messages(self) -> list[ReceivedMessage]:
        """Return the messages on the phone, oldest first."""
        return self._ours(self._ask("GET", "messages"))

    def receives(self, text: str = "", timeout_seconds: float | None = None) -> ReceivedMessage:
        """Wait for the oldest message that has `text` in it and that no earlier call returned.

        Raises:
            NotSeenError: there is none in time.
        """
        seconds = self.account.stack.timeout_seconds if timeout_seconds is None else timeout_seconds
        deadline = time.monotonic() + seconds
        found = self._ask("GET", "messages")
        while True:
            for message in self._unexpected(self._ours(found)):
                if text in message.body:
                    self._expected.add(message.carrier_message_id)
                    return message
            left = deadline - time.monotonic()
            if left <= 0:
                claim = f"{self.number} received a message" + (f" with {text!r}" if text else "")
                raise not_in_time(self.account, claim, seconds, self._shown())
            found = self._poll(found["total"] + 1, left)

    def replies(self, text: str, **options: Any) -> Reply:
        """Reply to the last message of the account, or to its sender number where there is none.

        Returns when the webhook has answered 2xx: then the reply is in Kafka, and no message that it forbids leaves any
        more. Nothing has to be waited for before the next `send`.

        Args:
            text: the reply.
            options: further fields of the sandbox's replies: `to`, `in_reply_to`, `message_id`, `timestamp`, `pointer`.

        Raises:
            StoplineError: the webhook did not accept it.
        """
        account = self.account
        answered: Json = {"to": account.sender_number, "in_reply_to": None}
        for last in self.messages()[-1:]:
            answered = {"to": last.sender_number, "in_reply_to": last.carrier_message_id}
        asked = {"body": text, "account_id": account.account_id, **answered, **options}
        answer = self._ask("POST", "replies", json=asked)
        account.timeline.note(f"{self.number} replied {text!r}; the webhook answered {answer['status_code']}")
        if answer["status_code"] not in _ACCEPTED:
            raise StoplineError(
                f"the webhook did not accept the reply {text!r} of {self.number}:"
                f" {answer['status_code']} {answer['response']}"
            )
        return Reply(text, answer["form"])

    def assert_got_nothing(self, timeout_seconds: float | None = None) -> list[Outcome]:
        """Prove that the phone got nothing but what `receives` returned; return the outcomes of the messages to it.

        It does not wait to see whether something comes. Every reply before this call is decided, every message to the
        phone that was requested before it has its outcome, and what a carrier took is on the phone by then. What is
        requested later, such as by a campaign that still runs, is not covered.

        Raises:
            UnexpectedMessageError: it got a message.
            NotSeenError: not every message to it had an outcome in time.
        """
        outcomes = self.account.settled(self, timeout_seconds)
        unexpected = self._unexpected(self.messages())
        if unexpected:
            lines = "\n".join(f"  {message}" for message in unexpected)
            raise UnexpectedMessageError(
                f"{self.number} got {len(unexpected)} that the test did not expect (`receives` returns expected ones):"
                f"\n{lines}\n\naccount {self.account.account_id}:\n{self.account.report()}"
            )
        return list(outcomes)

    def _unexpected(self, messages: list[ReceivedMessage]) -> list[ReceivedMessage]:
        return [message for message in messages if message.carrier_message_id not in self._expected]

    def _shown(self) -> str:
        lines = [f"  {message}" for message in self.messages()]
        return "\n".join([f"on {self.number}:", *(lines or ["  nothing"])])

    def _ours(self, found: Json) -> list[ReceivedMessage]:
        return [
            ReceivedMessage(
                message["message_id"],
                message["carrier_message_id"],
                message["from"],
                message["body"],
                message["received_at"],
            )
            for message in found["messages"]
            if message["account_id"] == self.account.account_id
        ]

    def _poll(self, at_least: int, seconds: float) -> Json:
        timeout = min(seconds, _LONGEST_POLL_SECONDS)
        query = {"at_least": at_least, "timeout_seconds": f"{timeout:.3f}"}
        return self._ask("GET", "messages", params=query, timeout=timeout + _MARGIN_SECONDS)

    def _ask(self, method: str, what: str, **options: Any) -> Json:
        return self.account.stack.sandbox.ask(method, f"/phones/{quote(self.number, safe='')}/{what}", **options)
