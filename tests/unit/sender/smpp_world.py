"""A client of the sender's that is bound to the SMSC of the tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pydantic import SecretStr
from smsc import Smsc

from services.sender.carriers.smpp import SmppSettings
from services.sender.carriers.smpp_client import SmppClient
from shared.events.outbound import MessageRequested
from shared.suppressions.fence_pass import boottime

REPORTED_SECONDS = 3


def asked(number: int = 1, **fields: Any) -> MessageRequested:
    given_fields = {
        "account_id": "acme", "message_id": f"m-{number}", "list_id": 7, "phone": "+14155550100",
        "sender_number": "+18335550123", "body": "Sale. Reply STOP to opt out",
    }  # fmt: skip
    return MessageRequested(**(given_fields | fields))


def settings_for(smsc: Smsc, **more: Any) -> SmppSettings:
    fields = {
        "smpp_host": "127.0.0.1", "smpp_port": smsc.port, "smpp_system_id": "acme",
        "smpp_password": SecretStr("sesame"), "smpp_enquire_link_seconds": 600.0,
    }  # fmt: skip
    return SmppSettings(**(fields | more))


@asynccontextmanager
async def bound_to(smsc: Smsc, call_seconds: float = REPORTED_SECONDS, **more: Any) -> AsyncIterator[SmppClient]:
    client = SmppClient(settings_for(smsc, **more), "smpp", call_seconds)
    try:
        yield client
    finally:
        await client.close()


def soon(seconds: float = 5) -> float:
    return boottime() + seconds
