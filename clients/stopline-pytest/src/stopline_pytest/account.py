"""An account of the stack: its lists, phones and messages."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from stopline_pytest.contact_list import ContactList
from stopline_pytest.json_http import Json, JsonHttp
from stopline_pytest.message import Message
from stopline_pytest.numbers import SENDER_NUMBER, unused_number
from stopline_pytest.outcomes import Outcome, outcome_of, requests_for, waiting_for
from stopline_pytest.phone import Phone
from stopline_pytest.stack import Stack
from stopline_pytest.timeline import Timeline
from stopline_pytest.topic_log import OUTBOUND_MESSAGES, Seen
from stopline_pytest.waits import not_in_time

__tracebackhide__ = True  # a failure shows the test's own line


@dataclass(frozen=True)
class Check:
    """The answer of `POST /v1/check` for one message: whether it may be sent now, and if not, why."""

    allowed: bool
    reason: Json | None
    decision: Json = field(repr=False)


class Account:
    """An account. What other accounts do is not seen here, and what this one does is not seen there.

    `http` calls the customer API as this account (an `httpx.Client`), for whatever has no method here.
    """

    def __init__(self, stack: Stack, account_id: str, api_key: str, *, sender_number: str = SENDER_NUMBER) -> None:
        self.account_id = account_id
        self.api_key = api_key
        self.sender_number = sender_number
        self.stack = stack
        self.timeline = Timeline()
        self.api = JsonHttp("customer API", stack.addresses.api_url, auth=(account_id, api_key))
        self._phones: dict[str, Phone] = {}
        self._lock = threading.Lock()
        stack.log.keep(account_id)

    def __repr__(self) -> str:
        return f"Account({self.account_id!r})"

    @property
    def http(self) -> httpx.Client:
        return self.api.http

    def close(self) -> None:
        """Forget what was seen of this account. The account itself stays."""
        self.api.close()
        self.stack.log.forget(self.account_id)

    def list(self, name: str | None = None, *, phones: Sequence["Phone | str"] = ()) -> ContactList:
        """Create a contact list, with these phones on it.

        Args:
            name: default: one that no other list has.
            phones: its contacts.
        """
        chosen = name or f"list {uuid4().hex[:8]}"
        made = ContactList(self, int(self.api.ask("POST", "/v1/lists", json={"name": chosen})["list_id"]), chosen)
        self.timeline.note(f"list {made.list_id} ({chosen}) created")
        if phones:
            made.add(*phones)
        return made

    def phone(self, number: str | None = None) -> Phone:
        """Return a phone on the sandbox carrier.

        Args:
            number: E.164; default: one that no other phone of this account has. It is Canadian: in the United States a
                STOP may be about more than the list that was answered, by Stopline's shipped policies.
        """
        with self._lock:
            chosen = number or unused_number(self._phones)
            return self._phones.setdefault(chosen, Phone(self, chosen))

    def send(  # noqa: PLR0913 (the fields of a message)
        self,
        contacts: "ContactList | int",
        phone: "Phone | str",
        body: str,
        *,
        message_id: str | None = None,
        sender_number: str | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> Message:
        """Request a message on `outbound-messages`, as a producer does; return when Kafka has acknowledged it.

        Args:
            contacts: the list that it belongs to, or its id.
            phone: the recipient.
            body: the text, with a way out ("Reply STOP to opt out"), or it is rejected.
            message_id: default: a new one.
            sender_number: default: the account's `sender_number`.
            fields: further fields of `message_requested`, such as `send_at`.
        """
        message = Message(self, message_id or str(uuid4()))
        number = phone.number if isinstance(phone, Phone) else phone
        request = {
            "type": "message_requested",
            "version": 1,
            "account_id": self.account_id,
            "message_id": message.message_id,
            "list_id": contacts.list_id if isinstance(contacts, ContactList) else contacts,
            "phone": number,
            "sender_number": sender_number or self.sender_number,
            "body": body,
        }
        self.stack.producer.produce({**request, **(fields or {})}, key=number)
        return message

    def message(self, message_id: str) -> Message:
        """Return a message that something else requests under this id: the code that you test, for example."""
        return Message(self, message_id)

    def check(self, phone: "Phone | str", contacts: "ContactList | int | None" = None) -> Check:
        """Ask whether a message may be sent now. Every reply before is decided: nothing has to be waited for.

        Args:
            phone: the recipient.
            contacts: its list; default: an opt-out from any list counts.
        """
        message: Json = {"phone": phone.number if isinstance(phone, Phone) else phone}
        message["sender_number"] = self.sender_number
        if contacts is not None:
            message["list_id"] = contacts.list_id if isinstance(contacts, ContactList) else contacts
        answer = self.api.ask_until_available("POST", "/v1/check", self.stack.deadline(), json={"messages": [message]})
        decision = answer["decisions"][0]
        return Check(decision["allowed"], decision["reason"], decision)

    def opt_outs(self, phone: "Phone | str") -> Sequence[Json]:
        """Return the opt-out list's entries of a phone, after every reply before is decided."""
        number = phone.number if isinstance(phone, Phone) else phone
        self.check(number)
        return self.api.pages("/v1/opt-outs", "opt_outs", phone=number)

    def events(self) -> Sequence[Seen]:
        """Return the account's events on `outbound-messages` and `delivery-events` that were read so far."""
        return self.stack.log.events(self.account_id)

    def outcome(self, message_id: str, timeout_seconds: float | None = None) -> Outcome:
        """Wait for the outcome of a message.

        Raises:
            NotSeenError: there is none in time.
        """
        seconds = self.stack.timeout_seconds if timeout_seconds is None else timeout_seconds
        found = self.stack.log.wait(lambda: outcome_of(self.events(), message_id), time.monotonic() + seconds)
        if found is None:
            claim = f"message {message_id} had an outcome"
            raise not_in_time(self, claim, seconds, waiting_for(self.events(), message_id))
        return found

    def settled(self, phone: "Phone | str", timeout_seconds: float | None = None) -> Sequence[Outcome]:
        """Return the outcome of every message to a phone that was requested before this call, by whatever producer.

        First every reply before is decided, with its automatic replies requested, which are then among the messages.
        Nothing here waits for time to pass: it ends when the last outcome is published.

        Raises:
            NotSeenError: not all are known in time, such as that of a message which waits for its hour.
        """
        seconds = self.stack.timeout_seconds if timeout_seconds is None else timeout_seconds
        deadline = time.monotonic() + seconds
        number = phone.number if isinstance(phone, Phone) else phone
        self.check(number)
        if not self.stack.log.wait_until_read(OUTBOUND_MESSAGES, deadline):
            raise not_in_time(self, "outbound-messages was read to its end", seconds, self.stack.log.trouble)
        if self.stack.log.is_full(self.account_id):
            raise not_in_time(
                self, "all events of the account are kept", seconds, "it has too many: use another account"
            )
        asked = requests_for(self.events(), number)
        ids = dict.fromkeys(str(request.get("message_id")) for request in asked)
        return [self.outcome(message_id, max(deadline - time.monotonic(), 0)) for message_id in ids]

    def report(self) -> str:
        """Return what happened in this account, a line for each event, for a failed test's output."""
        return self.timeline.shown(self.events(), self._phones.values())
