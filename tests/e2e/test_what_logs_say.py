"""No log of any process has a phone number in it, after all that the tests of this folder did and odder things."""

import asyncio
import json
import re
from pathlib import Path
from uuid import uuid4

import httpx
from confluent_kafka import Producer

from harness.account import Account
from harness.certificates import certificates
from harness.client import ApiClient
from harness.stack.stack import Stack
from shared.kafka import new_consumer
from shared.phones import mask
from shared.topics import (
    DELIVERY_EVENTS,
    INBOUND_MESSAGES,
    INBOUND_STATUS,
    OPT_OUT_EVENTS,
    OUTBOUND_MESSAGES,
    PARKED_MESSAGES,
)

ODD = ["+61491570156", "0491 570 157", "61491570158", "+61 491 570 159", "(04) 9157-0110", "+4915112345678"]
SENDER_NUMBER = "+18335550123"
ATTACK = "+61491570199"
"""The type of records: the reason why they cannot be read has it, and every reader logs its reasons."""
WHOSE_LOGS = ("api.log", "optout.log", "sender.log")
_SAID_SECONDS = 90.0


async def test_no_phone_number_is_in_any_log(stopline_stack: Stack, stopline_account: Account) -> None:
    ends = stopline_stack.endpoints()
    logs_folder = Path(ends.logs)
    await _do_odd_things(stopline_stack, stopline_account)
    await _have_numbers_said(ends.kafka_bootstrap, logs_folder)
    used = {number for each in (ATTACK, *ODD) for number in _spellings(each)} | await _numbers_in(stopline_stack)
    assert len(used) > len(ODD)
    logs = {path: path.read_text(errors="replace") for path in logs_folder.glob("*.log")}
    assert {"inbound.log", "optout.log", "api.log", "sender.log", "links.log", "poll.log"} <= {
        path.name for path in logs
    }
    shown = {(path.name, number) for path, text in logs.items() for number in used if number in text}
    assert shown == set()


async def _have_numbers_said(bootstrap: str, folder: Path) -> None:
    """Have a number reach the log of each process that reads Kafka, where masking alone keeps it from being written.

    What is parked is logged ten times a minute, so it is written again until a line has it.
    """
    producer = Producer({"bootstrap.servers": bootstrap})
    silent = set(WHOSE_LOGS)
    async with asyncio.timeout(_SAID_SECONDS):
        while silent:
            for topic in (INBOUND_STATUS, INBOUND_MESSAGES, OUTBOUND_MESSAGES):
                producer.produce(topic, json.dumps({"type": ATTACK}).encode(), key=ATTACK.encode(), partition=0)
            assert producer.flush(30) == 0
            await asyncio.sleep(1)
            silent -= {name for name in silent if _says(folder / name, ATTACK) or _says(folder / name, mask(ATTACK))}


def _says(log: Path, text: str) -> bool:
    return f"Input tag '{text}'" in log.read_text(errors="replace")


async def _do_odd_things(stack: Stack, account: Account) -> None:
    """Have numbers in bodies that cannot be read, in URLs, in refused requests and in damaged records."""
    ends = stack.endpoints()
    producer = Producer({"bootstrap.servers": ends.kafka_bootstrap})
    async with (
        ApiClient(ends.api_url, account) as api,
        httpx.AsyncClient(verify=certificates(), timeout=30) as http,
    ):
        list_id = await api.create_list("odd numbers")
        for phone in ODD:
            form = {"from": phone, "to": SENDER_NUMBER, "body": f"STOP {phone}", "message_id": str(uuid4())}
            posts = [
                http.post(account.webhook_url, data=form),
                http.post(account.webhook_url, content=phone.encode(), headers={"Content-Type": "application/json"}),
                http.post(account.webhook_url, params={"from": phone}, content=b""),
                http.get(f"{account.webhook_url}/{phone}"),
                http.get(f"{ends.api_url}/v1/evidence", params={"phone": phone}, auth=(account.account_id, "wrong")),
                http.get(f"{ends.api_url}/v1/numbers/{phone}", auth=(account.account_id, account.api_key)),
                http.get(f"{ends.services['links']}/u/{phone}"),
                http.post(
                    f"{ends.api_url}/v1/lists/{list_id}/contacts",
                    json={"phones": [phone, "+1"], "more": {phone: phone}},
                    auth=(account.account_id, account.api_key),
                ),
            ]
            await asyncio.gather(*posts)
            for topic in (INBOUND_MESSAGES, OUTBOUND_MESSAGES, DELIVERY_EVENTS):
                for value in (phone, json.dumps({"type": "message_requested", "phone": phone}), f'{{"{phone}": '):
                    producer.produce(topic, value.encode(), key=phone.encode(), partition=0)
        assert producer.flush(30) == 0


def _spellings(phone: str) -> set[str]:
    """Return the number as it was written, its digits, and as a URL has it."""
    digits = re.sub(r"\D", "", phone)
    return {phone, digits, phone.replace("+", "%2B").replace(" ", "%20")}


async def _numbers_in(stack: Stack) -> set[str]:
    """Return the digits of every number that is a record's key or in its value, of all that is in Kafka."""
    found: set[str] = set()
    topics = (INBOUND_MESSAGES, OUTBOUND_MESSAGES, DELIVERY_EVENTS, OPT_OUT_EVENTS, PARKED_MESSAGES)
    consumer = new_consumer(stack.kafka_settings().kafka, *topics, auto_offset_reset="earliest")
    async with asyncio.timeout(60):
        await consumer.start()
        try:
            while polled := await consumer.getmany(timeout_ms=1_500):
                for record in (each for records in polled.values() for each in records):
                    found |= set(re.findall(r"\+([1-9][0-9]{9,14})\b", f"{record.key!r} {record.value!r}"))
        finally:
            await consumer.stop()
    return found
