"""The running parts of the page: what follows, what asks, and what puts the lists there at the start."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from harness.phones.board import Board
from harness.phones.carrier import SandboxCarrier
from harness.phones.cast import OWNERS
from harness.phones.customer_api import api_key, lists_of_the_cast, signed_in, suppressed
from harness.phones.follow import TopicFollower
from harness.phones.json_client import CallRefusedError, JsonClient
from harness.phones.limits import LOOK_SECONDS, RETRY_SECONDS
from harness.phones.machine import Machine
from harness.phones.settings import PhonesSettings
from shared.errors import TransientError

_log = logging.getLogger(__name__)
_MAX_REPLIES_UNDER_WAY = 100
FollowingWork = Callable[[], Awaitable[None]]
Taken = TypeVar("Taken")
SUGGESTED_WORDS = ("STOP", "please stop texting me", "Stop by tomorrow?", "START")


def now_us() -> int:
    return time.time_ns() // 1_000


@dataclass
class PageParts:
    """The parts that the handlers use; `api` is there once the lists are."""

    settings: PhonesSettings
    board: Board
    machine: Machine
    sandbox: SandboxCarrier
    api: JsonClient | None = None
    replies: set[asyncio.Task[None]] = field(default_factory=set)

    def reply(self, phone: str, words: str, message_id: str, sender_number: str) -> None:
        """Begin to reply from a phone: the gateway may need several attempts, and nobody waits for them.

        Raises:
            ValueError: the limit of replies under way is reached.
        """
        if len(self.replies) >= _MAX_REPLIES_UNDER_WAY:
            raise ValueError(f"{len(self.replies)} replies are under way; wait until the gateway has accepted them")
        self.board.conversations.replied(phone, message_id, words, now_us())
        self.board.feed.changed(phone)
        task = asyncio.create_task(self._reply(phone, words, message_id, sender_number), name="a reply")
        self.replies.add(task)
        task.add_done_callback(self.replies.discard)

    async def _reply(self, phone: str, words: str, message_id: str, sender_number: str) -> None:
        try:
            await self.sandbox.reply(phone, words, message_id, sender_number)
        except CallRefusedError as refused:
            self._could_not_reply(phone, message_id, words, f"the gateway refused a reply: {refused}")
        except TransientError as error:
            self._could_not_reply(phone, message_id, words, f"the sandbox carrier does not answer: {error}")

    def _could_not_reply(self, phone: str, message_id: str, words: str, why: str) -> None:
        bubble = self.board.conversations.replied(phone, message_id, words, now_us())
        if bubble.state == "accepted":
            return  # it came another way
        bubble.state = "refused"
        self.board.note("failed", why, phone)
        self.board.feed.changed(phone)


@asynccontextmanager
async def running(settings: PhonesSettings) -> AsyncIterator[PageParts]:
    """Start following and setting up; nothing that is unavailable keeps the page from being shown."""
    board = Board(settings.phones_account_id, now_us)
    board.show_about(
        owners=[{"name": owner.name, "phone": owner.phone} for owner in OWNERS],
        words=SUGGESTED_WORDS,
        link_url=settings.phones_link_url,
        dashboard_url=settings.phones_dashboard_url,
        started_us=now_us(),
        is_ready=False,
        is_following=False,
        problem="",
    )
    machine = Machine(settings.phones_control_socket, settings.phones_health, board.show_machine, board.note)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(JsonClient(settings.phones_sandbox_url))
        parts = PageParts(settings, board, machine, SandboxCarrier(client, settings.phones_account_id))
        tasks = [asyncio.create_task(_kept(work)) for work in _work(parts, stack)]
        stack.push_async_callback(_cancel, tasks)
        yield parts


def _work(parts: PageParts, stack: AsyncExitStack) -> list[FollowingWork]:
    board = parts.board
    follower = TopicFollower(parts.settings.kafka, _carefully(board.take))
    forgotten = asyncio.Event()
    forgotten.set()
    return [
        follower.run,
        parts.machine.watch,
        partial(parts.sandbox.follow, "calls", _carefully(board.take_call), board.conversations.clear),
        partial(parts.sandbox.follow, "webhooks", _carefully(board.take_webhook), forgotten.set, forgotten.set),
        partial(_set_up, parts, stack, forgotten),
        partial(_tick, board, follower),
    ]


def _carefully(take: Callable[[Taken], None]) -> Callable[[Taken], None]:
    """Return `take` so that what it cannot take ends no following: it is logged, and what comes after it is shown."""

    def careful(entry: Taken) -> None:
        try:
            take(entry)
        except Exception:  # noqa: BLE001 (whatever it was, the next one may be better)
            _log.exception("something that was read is not shown")

    return careful


async def _kept(work: FollowingWork) -> None:
    """Do the work until cancelled: after an error again, since a page that shows nothing new does not say so."""
    while True:
        try:
            await work()
        except Exception:  # noqa: BLE001 (see above)
            _log.exception("a part of the page ended; it begins again")
        await asyncio.sleep(RETRY_SECONDS)


async def _set_up(parts: PageParts, stack: AsyncExitStack, forgotten: asyncio.Event) -> None:
    """Make the lists, and register the account at the sandbox, again whenever that has started again."""
    while True:
        await forgotten.wait()
        try:
            if parts.api is None:
                key = await api_key(parts.settings)
                parts.api = await stack.enter_async_context(signed_in(parts.settings, key))
            path = (await parts.api.call("GET", "/v1/webhook"))["webhook_path"]
            await parts.sandbox.register(f"{parts.settings.phones_inbound_url.rstrip('/')}{path}")
            lists = await lists_of_the_cast(parts.api)
            parts.board.show_lists(lists, await suppressed(parts.api, lists))
            parts.board.show_about(is_ready=True, problem="")
            forgotten.clear()
        except TransientError as error:
            _log.warning("the lists are not there yet: %s", error)
            parts.board.show_about(problem=f"Not ready yet: {error}")
            await asyncio.sleep(RETRY_SECONDS)


async def _tick(board: Board, follower: TopicFollower) -> None:
    while True:
        board.tick()
        board.show_about(is_following=follower.is_following.is_set())
        await asyncio.sleep(LOOK_SECONDS / 2)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
