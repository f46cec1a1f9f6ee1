"""An inbound service as a real process, the webhooks that a gateway posts to it, and what stands in Kafka then."""

import asyncio
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
from aiokafka import ConsumerRecord, TopicPartition

from harness.stack.service import Service
from shared.kafka import new_consumer
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, PARKED_MESSAGES
from shared.webhook_secrets import webhook_secret

PARTITIONS = 6
WEBHOOK_KEY = "the-webhook-key-of-these-tests-only"
SIGNED_ACCOUNT = "t-signed"
AUTH_TOKEN = "the-auth-token-of-these-tests"  # noqa: S105
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # else httpx reads all the machine's certificates, for each client
_TOPICS = (INBOUND_MESSAGES, DELIVERY_EVENTS, PARKED_MESSAGES)


@dataclass(frozen=True)
class Gateway:
    """An account of its own, as a gateway knows it."""

    url: str
    bootstrap: str
    account_id: str

    def address(self, gateway: str = "clicksend", end: str = "", proof: str | None = None) -> str:
        """Return the webhook's address, with `proof` in the place of the account's secret."""
        proof = webhook_secret(WEBHOOK_KEY, self.account_id) if proof is None else proof
        return f"{self.url}/webhooks/{gateway}/{self.account_id}/{proof}{end}"

    async def post(self, content: bytes | str, content_type: str = "", **address: Any) -> httpx.Response:
        headers = {"content-type": content_type} if content_type else {}
        async with new_http() as http:
            return await http.post(self.address(**address), content=content, headers=headers)

    async def post_form(self, fields: dict[str, str], **address: Any) -> httpx.Response:
        return await self.post(urlencode(fields), "application/x-www-form-urlencoded", **address)

    async def post_json(self, fields: Any, **address: Any) -> httpx.Response:
        return await self.post(json.dumps(fields), "application/json", **address)

    async def get(self, fields: dict[str, str] | str, method: str = "GET", **address: Any) -> httpx.Response:
        query = fields if isinstance(fields, str) else urlencode(fields)
        async with new_http() as http:
            return await http.request(method, f"{self.address(**{'gateway': 'generic', **address})}?{query}")

    async def records(self) -> list[ConsumerRecord]:
        """Return all records of the account, of all topics that the service writes."""
        return [record for record in await _all_records(self.bootstrap) if account_of(record) == self.account_id]


def new_http() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=20, verify=_NO_TLS)


def stop_of(phone: str = "+61411111111", **fields: str) -> dict[str, str]:
    """Return ClickSend's fields of a STOP."""
    return {"from": phone, "to": "+61422222222", "body": "STOP", "message_id": str(uuid4()), **fields}


def account_of(record: ConsumerRecord) -> str | None:
    headers = headers_of(record)
    if "webhook_account_id" in headers:
        return headers["webhook_account_id"]
    account_id: str | None = json.loads(record.value).get("account_id")
    return account_id


def headers_of(record: ConsumerRecord) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers}


def value_of(record: ConsumerRecord) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(record.value)
    return found


async def _all_records(bootstrap: str) -> list[ConsumerRecord]:
    consumer = new_consumer(bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=20)
    await consumer.start()
    try:
        for topic in _TOPICS:
            await consumer._client._wait_on_metadata(topic)
        partitions = [
            TopicPartition(topic, partition)
            for topic in _TOPICS
            for partition in sorted(consumer.partitions_for_topic(topic))
        ]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found: list[ConsumerRecord] = []
        while [partition for partition in partitions if await consumer.position(partition) < ends[partition]]:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += records
        return found
    finally:
        await consumer.stop()


async def answers(url: str) -> int:
    """Return the status of a GET, 0 where nobody answers."""
    async with new_http() as http:
        try:
            return (await http.get(url)).status_code
        except httpx.TransportError:
            return 0


async def until(what: str, holds: Callable[[], Any], seconds: float = 30.0) -> None:
    """Wait until `await holds()` is true."""
    try:
        async with asyncio.timeout(seconds):
            while not await holds():  # noqa: ASYNC110 (another process is waited for)
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not within {seconds} s: {what}") from None


async def is_ready(service: Service) -> bool:
    return await answers(f"{service.url}/health/ready") == 200
