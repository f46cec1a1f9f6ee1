"""Clients of the customer API and of Kafka, for the story, the demo and the tests."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

import httpx

from harness.account import Account
from harness.certificates import certificates
from shared.errors import PoisonError, TransientError
from shared.event_records import event_of
from shared.events import codec
from shared.events.delivery import AnyDeliveryEvent, RecipientErased, delivery_event_adapter
from shared.events.outbound import MessageRequested
from shared.kafka import SEND_SECONDS, connect, new_consumer, new_producer, stop_quietly, within
from shared.kafka_connection import Kafka
from shared.scopes import list_scope
from shared.topics import DELIVERY_EVENTS, OUTBOUND_MESSAGES

_SOURCE = "stopline/harness"
_REQUEST_SECONDS = 15.0
_JOB_SECONDS = 30.0
_JOB_LOOK_SECONDS = 0.05


async def create_account(api_url: str, inbound_url: str, admin_token: str, account_id: str) -> Account:
    """Create an account with the administrator's token."""
    async with httpx.AsyncClient(verify=certificates(), timeout=_REQUEST_SECONDS) as http:
        answer = await http.post(
            f"{api_url}/v1/accounts",
            json={"account_id": account_id, "name": account_id},
            headers={"Authorization": f"Bearer {admin_token}"},
        )
    made = _checked(answer)
    return Account(account_id, made["api_key"], f"{inbound_url}{made['webhook_path']}")


class ApiClient:
    """A client of the customer API for one account, to be used as an async context manager."""

    def __init__(self, api_url: str, account: Account) -> None:
        self._http = httpx.AsyncClient(
            verify=certificates(),
            base_url=api_url,
            auth=(account.account_id, account.api_key),
            timeout=_REQUEST_SECONDS,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def create_list(self, name: str) -> int:
        """Return the new list's id."""
        made: int = _checked(await self._http.post("/v1/lists", json={"name": name}))["list_id"]
        return made

    async def add_contacts(self, list_id: int, phones: Iterable[str]) -> None:
        contacts = [{"phone": phone, "fields": {}} for phone in phones]
        _checked(await self._http.post(f"/v1/lists/{list_id}/contacts", json={"contacts": contacts}))

    async def contact_status(self, list_id: int, phone: str) -> str | None:
        """Return `active`, `opted_out` or `held`; None for a phone that is not on the list."""
        contacts = await self._pages(f"/v1/lists/{list_id}/contacts", "contacts", {})
        return next((contact["status"] for contact in contacts if contact["phone"] == phone), None)

    async def opt_outs(self, phone: str) -> list[dict[str, Any]]:
        return await self._pages("/v1/opt-outs", "opt_outs", {"phone": phone})

    async def confirm_opt_outs(self, confirmations: Iterable[dict[str, Any]]) -> None:
        """Set the texts that confirm opt-outs; none of them: silence."""
        _checked(await self._http.put("/v1/account/opt-out-confirmation", json={"confirmations": list(confirmations)}))

    async def opt_out_by_hand(self, phone: str, list_id: int, statement: str) -> dict[str, Any]:
        """Enter an opt-out of one list, with what the person said."""
        asked = {"phone": phone, "scopes": [list_scope(list_id)], "source": "by_hand", "by": "the story"}
        return _checked(await self._http.post("/v1/opt-outs", json={**asked, "statement": statement}))

    async def check(self, phone: str, sender_number: str, list_ids: Iterable[int]) -> list[dict[str, Any]]:
        """Return for a message of each list whether it may be sent."""
        message = {"phone": phone, "sender_number": sender_number}
        messages = [{**message, "list_id": list_id} for list_id in list_ids]
        decisions: list[dict[str, Any]] = _checked(await self._http.post("/v1/check", json={"messages": messages}))[
            "decisions"
        ]
        return decisions

    async def clean_up(self, list_id: int) -> dict[str, Any]:
        """Take whoever is on the opt-out list off a list; return the job when it has ended."""
        return await self._ended(await self._http.post(f"/v1/lists/{list_id}/clean-up", json={"what": ["opt_outs"]}))

    async def undo_clean_up(self, list_id: int, job_id: str) -> dict[str, Any]:
        return await self._ended(await self._http.post(f"/v1/lists/{list_id}/clean-ups/{job_id}/undo"))

    async def _ended(self, answer: httpx.Response) -> dict[str, Any]:
        job = _checked(answer)
        async with asyncio.timeout(_JOB_SECONDS):
            while job["state"] in {"waiting", "running"}:
                await asyncio.sleep(_JOB_LOOK_SECONDS)
                job = _checked(await self._http.get(f"/v1/jobs/{job['job_id']}"))
        return job

    async def inbox(self, phone: str) -> list[dict[str, Any]]:
        return await self._pages("/v1/inbox", "messages", {"phone": phone})

    async def _pages(self, path: str, name: str, query: dict[str, str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after: str | None = None
        while True:
            page = _checked(await self._http.get(path, params=query if after is None else {**query, "after": after}))
            found += page[name]
            after = page["next"]
            if after is None:
                return found


def _checked(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_error:
        raise TransientError(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")
    body: dict[str, Any] = answer.json()
    return body


async def produce(kafka: Kafka, requests: Iterable[MessageRequested]) -> None:
    """Publish the requests to `outbound-messages`."""
    producer = new_producer(kafka, linger_ms=5)
    await connect(producer.start(), kafka)
    try:
        acknowledged = [
            await producer.send(
                OUTBOUND_MESSAGES,
                codec.encode(request),
                key=request.phone.encode(),
                headers=codec.cloud_event_headers(request, _SOURCE),
            )
            for request in requests
        ]
        await within(SEND_SECONDS, asyncio.gather(*acknowledged), "producing messages")
    finally:
        await stop_quietly(producer)


class DeliveryEvents:
    """The events of `delivery-events` from the moment it was opened; `seen` are those read so far."""

    def __init__(self, incoming: AsyncIterator[AnyDeliveryEvent]) -> None:
        self._incoming = incoming
        self.seen: list[AnyDeliveryEvent] = []

    async def of_message(self, message_id: str, *types: str, timeout_seconds: float = 20.0) -> AnyDeliveryEvent:
        """Return the first event about `message_id` of one of `types`, waiting for it if necessary.

        Raises:
            TransientError: none was published in time.
        """
        for event in self.seen:
            if _is_about(event, message_id) and event.type in types:
                return event
        try:
            async with asyncio.timeout(timeout_seconds):
                async for event in self._incoming:
                    self.seen.append(event)
                    if _is_about(event, message_id) and event.type in types:
                        return event
        except TimeoutError:
            pass
        raise TransientError(f"no {' or '.join(types)} about {message_id} within {timeout_seconds} s")


def _is_about(event: AnyDeliveryEvent, message_id: str) -> bool:
    return not isinstance(event, RecipientErased) and event.message_id == message_id


@asynccontextmanager
async def follow_delivery_events(kafka: Kafka) -> AsyncIterator[DeliveryEvents]:
    """Follow the delivery events that are published from now on."""
    consumer = new_consumer(kafka, DELIVERY_EVENTS, auto_offset_reset="latest")
    await connect(consumer.start(), kafka)
    try:
        for partition in consumer.assignment():
            await within(SEND_SECONDS, consumer.position(partition), "asking for a position")

        async def incoming() -> AsyncIterator[AnyDeliveryEvent]:
            while True:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    for record in records:
                        with suppress(PoisonError):  # others may write to this topic too
                            yield event_of(delivery_event_adapter, record)

        yield DeliveryEvents(incoming())
    finally:
        await stop_quietly(consumer)


def request_json(request: MessageRequested) -> str:
    """Return the request as one line of JSON, as one would type it into a console producer."""
    fields = json.loads(codec.encode(request))
    return json.dumps({name: value for name, value in fields.items() if value is not None})
