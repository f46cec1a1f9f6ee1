"""The part of the story that a recipient plays by the link in a message."""

import re

import httpx

from harness.client import produce
from harness.story.claims import StoryClaims, require
from harness.story.stage import Stage, any_phone
from shared.events.delivery import MessageSuppressed
from shared.events.outbound import MessageRequested
from shared.scopes import list_scope

_OK = 200
_LINK = re.compile(r"https?://\S+")
_OPENED_BY_ITSELF = re.compile(r'(?:href|src|action)="([^"]+)"')
_SETTLED = ("message_sent", "message_suppressed", "message_failed", "message_outcome_unknown", "message_rejected")


async def play_by_link(claims: StoryClaims, stage: Stage) -> None:
    """Play it once, with somebody new who is on both lists."""
    reader, link = any_phone(), ""
    async with claims.claim("a message with a place for an opt-out link arrives with a short link", is_needed=True):
        for list_id in (stage.newsletter, stage.receipts):
            await stage.api.add_contacts(list_id, [reader])
        sent = await _sent(stage, reader, "News. No more of them: {{opt_out_link}}")
        require((await stage.events.of_message(sent.message_id, *_SETTLED)).type == "message_sent", sent)
        (body,) = [each["body"] for each in await stage.sandbox.messages(reader)]
        link = _LINK.findall(body)[0]
        require(len(httpx.URL(link).path) <= 12 and reader.lstrip("+") not in link, link)  # noqa: PLR2004 (as promised)
    async with httpx.AsyncClient() as http:
        await _opened(claims, stage, reader, http, link)
        await _pressed(claims, stage, reader, http, link)


async def _opened(claims: StoryClaims, stage: Stage, reader: str, http: httpx.AsyncClient, link: str) -> None:
    async with claims.claim("a preview of the link, and a scanner that opens all that its page has, opt nobody out"):
        require((await http.head(link)).status_code == _OK, link)
        page = await http.get(link)
        require(page.status_code == _OK and "<script" not in page.text, page.text)
        for target in _OPENED_BY_ITSELF.findall(page.text):
            await http.get(page.url.join(target))
        after = await _sent(stage, reader, "More news. {{opt_out_link}}")
        event = await stage.events.of_message(after.message_id, *_SETTLED)
        require(event.type == "message_sent", event)


async def _pressed(claims: StoryClaims, stage: Stage, reader: str, http: httpx.AsyncClient, link: str) -> None:
    async with claims.claim("one tap on the page takes the number off the message's list, and no other"):
        answer = await http.post(link, data={"choice": "list"})
        require(answer.status_code == _OK, answer.text)
        dropped = await _sent(stage, reader, "Even more news. {{opt_out_link}}")
        event = await stage.events.of_message(dropped.message_id, *_SETTLED)
        scope = event.scope if isinstance(event, MessageSuppressed) else None
        require(scope == list_scope(stage.newsletter), event)
        statuses = [await stage.api.contact_status(each, reader) for each in (stage.newsletter, stage.receipts)]
        require(statuses == ["opted_out", "active"], statuses)
    async with claims.claim('"I changed my mind" on the same page brings it back'):
        answer = await http.post(link, data={"choice": "undo"})
        require(answer.status_code == _OK, answer.text)
        again = await _sent(stage, reader, "News again. {{opt_out_link}}")
        event = await stage.events.of_message(again.message_id, *_SETTLED)
        require(event.type == "message_sent", event)


async def _sent(stage: Stage, phone: str, body: str) -> MessageRequested:
    request = stage.request(stage.newsletter, "").model_copy(update={"phone": phone, "body": body})
    await produce(stage.kafka, [request])
    return request
