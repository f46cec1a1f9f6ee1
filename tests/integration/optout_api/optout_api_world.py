"""What the API's tests act with: a caller with credentials, and the record that the pipeline writes."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid4

import httpx

from services.optout.api.parked.parked_record import ParkedRecord
from services.optout.api.parked.read import ParkedTopic, ParkedWindow
from services.optout.decide import DecidableEvent, decide
from services.optout.decision_log.entry import Entry, entry_of
from services.optout.decision_log.load import load_recipients
from services.optout.decision_log.log import Batch, EventAtOffset, record_batch
from services.optout.decision_log.position import move_position, read_position, save_position
from services.optout.decision_log.stored_rules import StoredRules
from services.optout.decision_log.write import write_decisions
from services.optout.recipient import Recipient, SentMessage
from services.optout.rules import DEFAULT_RULES, RuleSet, VersionedRule
from shared.events.inbound import MessageReceived
from shared.postgres import Pool

ADMIN_TOKEN = "operators-token-of-the-tests"  # noqa: S105 (of the tests)
WEBHOOK_KEY = "a-webhook-key-of-the-tests"
RULES = RuleSet([VersionedRule(0, 1, rule) for rule in DEFAULT_RULES])
NUMBER = "+14155550199"
APPENDS = {"policy": "append", "instruction": "Reply STOP to opt out"}
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Caller:
    """One account's way into the API."""

    http: httpx.AsyncClient
    account_id: str
    api_key: str

    @classmethod
    async def of_new_account(cls, http: httpx.AsyncClient) -> Self:
        account_id = f"t-{uuid4().hex[:12]}"
        answer = await create_account(http, account_id)
        assert answer.status_code == 201, answer.text
        caller = cls(http, account_id, answer.json()["api_key"])
        gate = await caller.call("PUT", "/v1/account/gate", json=APPENDS)  # most texts of these tests have no way out
        assert gate.status_code == 200, gate.text
        return caller

    async def call(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        return await self.http.request(method, path, auth=(self.account_id, self.api_key), **arguments)

    async def get(self, path: str, **params: str | int) -> dict[str, Any]:
        answer = await self.call("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        read: dict[str, Any] = answer.json()
        return read

    async def new_list(self, name: str, *phones: str) -> int:
        answer = await self.call("POST", "/v1/lists", json={"name": name})
        assert answer.status_code == 201, answer.text
        list_id: int = answer.json()["list_id"]
        if phones:
            body = {"contacts": [{"phone": phone} for phone in phones]}
            added = await self.call("POST", f"/v1/lists/{list_id}/contacts", json=body)
            assert added.json() == {"added": len(set(phones)), "updated": 0}
        return list_id

    async def ended(self, job_id: UUID | str) -> dict[str, Any]:
        """Wait for the end of a job, and return it."""
        while (job := await self.get(f"/v1/jobs/{job_id}"))["state"] in ("waiting", "running"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return job

    async def statuses(self, list_id: int) -> dict[str, str]:
        read = await self.get(f"/v1/lists/{list_id}/contacts")
        return {contact["phone"]: contact["status"] for contact in read["contacts"]}


class NothingParked(ParkedTopic):
    """The topic of parked records without any, and without a Kafka."""

    async def before(self, end: int, number: int) -> ParkedWindow:
        return ParkedWindow([], 0, is_last=end >= 0 and number > 0)

    async def one(self, position: int) -> ParkedRecord | None:
        return None if position >= 0 else await super().one(position)


async def create_account(http: httpx.AsyncClient, account_id: str, token: str = ADMIN_TOKEN) -> httpx.Response:
    body = {"account_id": account_id, "name": "Acme"}
    return await http.post("/v1/accounts", json=body, headers={"Authorization": f"Bearer {token}"})


class Record:
    """Decides and records what people write, by the pipeline's own code."""

    def __init__(self, pool: Pool, partition: int) -> None:
        self._pool = pool
        self._partition = partition

    async def message(self, account_id: str, phone: str, body: str, answered_list: int | None = None) -> Entry:
        """Record that `phone` wrote `body`, in answer to a message of `answered_list`, where one is given."""
        sent = [] if answered_list is None else [_sent(answered_list)]
        async with self._pool.acquire() as connection, connection.transaction():
            position = await read_position(connection, self._partition)
            event = _event(account_id, phone, body, position.next_offset)
            known = (await load_recipients(connection, [event], NOW))[account_id, phone]
            decision = decide(event, Recipient(known.suppressions, sent), RULES)
            entry = entry_of(event, decision, self._partition, position.next_offset, event.occurred_at)
            position = await move_position(connection, self._partition, position.next_offset, position.next_offset + 1)
            position = await write_decisions(connection, self._partition, position, [(entry, body)])
            await save_position(connection, self._partition, position)
        return entry

    async def decided(self, event: DecidableEvent) -> None:
        """Record an event in the pipeline's own transaction."""
        async with self._pool.acquire() as connection:
            start = (await read_position(connection, self._partition)).next_offset
            batch = Batch(self._partition, start, start + 1, [EventAtOffset(start, event)])
            await record_batch(connection, batch, StoredRules(), datetime.now(UTC), timedelta(days=1))


def _event(account_id: str, phone: str, body: str, offset: int) -> MessageReceived:
    return MessageReceived(
        event_id=uuid4(),
        occurred_at=NOW + timedelta(seconds=offset),
        account_id=account_id,
        gateway="clicksend",
        phone=phone,
        sender_number=NUMBER,
        body=body,
    )


def _sent(list_id: int) -> SentMessage:
    return SentMessage(f"message-of-{list_id}", list_id, NUMBER, None, "sent", NOW - timedelta(minutes=1))
