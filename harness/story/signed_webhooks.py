"""The part of the story about a gateway that signs: Twilio's webhooks, forged and repeated."""

import asyncio
import base64
import hmac
from uuid import uuid4

import httpx

from harness.story.claims import StoryClaims, require
from harness.story.stage import SENDER_NUMBER, Stage, any_phone

_INBOX_SECONDS = 20.0
_LOOK_SECONDS = 0.1


async def play_signed_webhooks(claims: StoryClaims, stage: Stage) -> None:
    """Play it once, with somebody new who writes to the account."""
    writer = any_phone()
    async with claims.claim("a webhook with a forged signature is refused with 401"):
        forged = await _post(stage, _reply(writer, "Forged"), "not the auth token")
        require(forged == 401, forged)  # noqa: PLR2004 (HTTP)
    async with claims.claim(
        "a signed webhook that comes three times is one reply, and of the forged one there is none"
    ):
        token = _auth_token(stage)
        hello, last = _reply(writer, "Hello"), _reply(writer, "That is all")
        statuses = [await _post(stage, fields, token) for fields in (hello, hello, hello, last)]
        require(statuses == [200] * 4, statuses)
        bodies = await _inbox_until(stage, writer, last["Body"])
        require(sorted(bodies) == sorted((hello["Body"], last["Body"])), bodies)


def _auth_token(stage: Stage) -> str:
    """Return the demo account's auth token: `harness/stack/environment.py` makes it the secret of its address."""
    return stage.account.webhook_url.rpartition("/")[2]


def _reply(writer: str, body: str) -> dict[str, str]:
    return {"MessageSid": f"SM{uuid4().hex}", "From": writer, "To": SENDER_NUMBER, "Body": body, "NumMedia": "0"}


async def _post(stage: Stage, fields: dict[str, str], auth_token: str) -> int:
    """Post the fields as Twilio does: HMAC-SHA1 over the URL and the sorted fields."""
    url = stage.account.webhook_url.replace("/clicksend/", "/twilio/")
    signed = url + "".join(name + value for name, value in sorted(fields.items()))
    signature = base64.b64encode(hmac.digest(auth_token.encode(), signed.encode(), "sha1")).decode()
    async with httpx.AsyncClient(timeout=10) as http:
        return (await http.post(url, data=fields, headers={"X-Twilio-Signature": signature})).status_code


async def _inbox_until(stage: Stage, writer: str, last: str) -> list[str]:
    """Return the texts in the inbox once it has the last one, which is decided after all before it."""
    async with asyncio.timeout(_INBOX_SECONDS):
        while last not in (bodies := [each["body"] for each in await stage.api.inbox(writer)]):  # noqa: ASYNC110 (it happens in other processes)
            await asyncio.sleep(_LOOK_SECONDS)
    return bodies
