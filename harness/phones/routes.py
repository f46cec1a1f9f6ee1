"""The routes of the page: itself, its files, the feed, and its buttons."""

import asyncio
import json
from typing import Annotated, Literal
from uuid import uuid4

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from harness.phones.cast import LISTS, OWNERS, SENDER_NUMBER, members_of
from harness.phones.customer_api import start_campaign
from harness.phones.feed import TooManyStreamsError
from harness.phones.guard import refusal_of_acting, refusal_of_host, refusal_of_reading
from harness.phones.json_client import CallRefusedError
from harness.phones.limits import MAX_TEXT_CHARACTERS
from harness.phones.machine import MachineRefusedError
from harness.phones.page import HEADERS, PageFile, PhonesPage
from harness.phones.running import PageParts
from harness.phones.send import request_messages
from shared.errors import TransientError
from shared.events.base import ListId
from shared.phones import mask

_WRITE_SECONDS = 30.0
_PHONES = {owner.phone: owner for owner in OWNERS}
_Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT_CHARACTERS)]
_Name = Annotated[str, StringConstraints(max_length=64)]
RUNNING: web.AppKey[PageParts] = web.AppKey("running", PageParts)


class _ButtonBody(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WrittenReply(_ButtonBody):
    """A reply that somebody wrote on a phone."""

    phone: _Name
    words: _Text


class WantedMessage(_ButtonBody):
    """A message to everybody on a list, or to one phone of it.

    Through `kafka` it is requested by record, for whoever has opted out, too; through `api` it is a campaign.
    """

    list_id: ListId
    text: Annotated[_Text, Field(description="May have placeholders.")]
    phone: _Name | None = None
    through: Literal["kafka", "api"] = "kafka"


class PartCommand(_ButtonBody):
    part: _Name
    command: _Name


class PageRoutes:
    """The handlers."""

    def __init__(self, page: PhonesPage) -> None:
        self._page = page

    def all(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.index),
            web.get("/static/{name}", self.file),
            web.get("/events", self.events),
            web.post("/reply", self.reply),
            web.post("/send", self.send),
            web.post("/parts", self.part),
            web.get("/health/{kind:live|ready}", self.health),
        ]

    @web.middleware
    async def guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse whatever does not come from the page itself, and say why; health checks may come from anywhere."""
        if request.path.startswith("/health/"):
            return await handler(request)
        refused = refusal_of_host(request.headers)
        if refused is None and request.path != "/":
            refused = refusal_of_reading(request.headers)
        if refused is None and request.method not in ("GET", "HEAD"):
            refused = refusal_of_acting(request.headers, self._page.token)
        if refused is not None:
            return _error(403, refused)
        try:
            return await handler(request)
        except (ValidationError, ValueError) as problem:
            return _error(422, _first(problem))
        except web.HTTPException as problem:
            return _error(problem.status, problem.text or problem.reason)

    async def index(self, _: web.Request) -> web.Response:
        return _file(self._page.index())

    async def file(self, request: web.Request) -> web.Response:
        found = self._page.files.get(request.match_info["name"])
        return _error(404, "there is no such file") if found is None else _file(found)

    async def health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": request.match_info["kind"]})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream what changes; a tab that does not read for half a minute is left to come again."""
        feed = request.app[RUNNING].board.feed
        try:
            with feed.one_more() as follower:
                response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
                await response.prepare(request)
                async for parts in feed.events(follower):
                    line = f"data: {json.dumps(parts)}\n\n" if parts else ": alive\n\n"
                    async with asyncio.timeout(_WRITE_SECONDS):
                        await response.write(line.encode())
        except TooManyStreamsError as full:
            return _error(503, str(full))
        except (ConnectionError, TimeoutError):
            pass
        return response

    async def reply(self, request: web.Request) -> web.Response:
        """Have a phone reply; the page shows what becomes of it."""
        written = WrittenReply.model_validate_json(await request.read())
        owner = _PHONES.get(written.phone)
        if owner is None:
            return _error(422, f"phone: {mask(written.phone)} is not one of the phones that are shown")
        running, message_id = request.app[RUNNING], str(uuid4()).upper()
        running.reply(owner.phone, written.words, message_id, SENDER_NUMBER)
        return web.json_response({"message_id": message_id}, status=202, headers=HEADERS)

    async def send(self, request: web.Request) -> web.Response:
        """Send to a list or to one phone of it; the answer comes once the API, or Kafka, has it."""
        wanted = WantedMessage.model_validate_json(await request.read())
        running = request.app[RUNNING]
        name = running.board.lists.get(wanted.list_id)
        if name is None or running.api is None:
            return _error(422, "list_id: it is not one of the lists that are shown; reload the page")
        try:
            if wanted.through == "api":
                await start_campaign(running.api, wanted.list_id, name, wanted.text)
                running.board.note("asked", f"a campaign to “{name}” was started")
            else:
                await self._request(running, wanted, name)
        except CallRefusedError as refused:
            return _error(refused.status, str(refused))
        except TransientError as error:
            return _error(503, f"nobody has confirmed it, so it may not have been accepted: {error}")
        return web.json_response({}, status=202, headers=HEADERS)

    async def _request(self, running: PageParts, wanted: WantedMessage, name: str) -> None:
        if wanted.phone is not None and wanted.phone not in _PHONES:
            raise ValueError(f"phone: {mask(wanted.phone)} is not one of the phones that are shown")
        members = [owner.phone for shown in LISTS if shown.name == name for owner in members_of(shown)]
        phones = members if wanted.phone is None else [wanted.phone]
        settings = running.settings
        await request_messages(settings.kafka, settings.phones_account_id, wanted.list_id, phones, wanted.text)
        running.board.note("asked", f"{len(phones)} message{'s' * (len(phones) > 1)} of “{name}” requested in Kafka")

    async def part(self, request: web.Request) -> web.Response:
        """Kill, freeze, thaw or start a part of the system."""
        asked = PartCommand.model_validate_json(await request.read())
        try:
            request.app[RUNNING].machine.command(asked.part, asked.command)
        except MachineRefusedError as refused:
            return _error(409, str(refused))
        return web.json_response({}, status=202, headers=HEADERS)


def _file(found: PageFile) -> web.Response:
    return web.Response(body=found.body, content_type=found.content_type, charset="utf-8", headers=HEADERS)


def _error(status: int, text: str) -> web.Response:
    return web.json_response({"error": {"message": text}}, status=status, headers=HEADERS)


def _first(problem: ValueError) -> str:
    if not isinstance(problem, ValidationError):
        return str(problem)
    first = problem.errors(include_url=False, include_input=False, include_context=False)[0]
    return ": ".join([*map(str, first["loc"]), first["msg"]])
