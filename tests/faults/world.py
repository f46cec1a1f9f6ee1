"""One test's view of the stack: its own account, its load, and the judgement at the end."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psutil

from faults.load import Load
from faults.shop import Shop, open_shop
from faults.tap import Tap
from harness.checker import History, Violation, check
from harness.checker.decided import FRESHNESS
from harness.checker.history import TRANSPORT_SLACK, Outage
from harness.checker.read import Run, read_history
from harness.checker.read_kafka import Positions, end_positions, read_records
from harness.client import ApiClient, DeliveryEvents, follow_delivery_events, produce
from harness.sandbox.client import SandboxClient
from harness.stack.service import Service
from harness.stack.stack import Stack
from shared.errors import TransientError
from shared.events.outbound import MessageRequested

SESSION_SECONDS = 2.0
"""After so long a silence a process has lost its partitions."""
A_DECISION_LIVES = (FRESHNESS + TRANSPORT_SLACK).total_seconds() + 0.5
"""After so long the checker finds a call on an old decision, whatever the transport took."""
GAP_SECONDS = 4
SETTINGS = {
    "STOPLINE_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS),
    "STOPLINE_CALL_SECONDS": "1",
    "STOPLINE_SWEEP_MARGIN_SECONDS": "1",
    # Often enough that a cache which differs from the record is found while the test still runs.
    "STOPLINE_CHECKPOINT_SECONDS": "1",
    "STOPLINE_SNAPSHOT_SECONDS": "2",
    "STOPLINE_RECEPTION_GAP_SECONDS": str(GAP_SECONDS),
    "STOPLINE_CATCH_UP_WAIT_SECONDS": "600",
}
SETTLE_SECONDS = 45.0
_AGAIN_SECONDS = 0.7
FINAL = ("message_sent", "message_suppressed", "message_failed", "message_rejected")
_FOR_GOOD = ("G1", "G3", "G4", "G6")
"""What breaks one of these stays broken; what is missing (G2, G5) may still be on its way."""


@dataclass
class World:
    """`since` is where the topics ended when the test began."""

    stack: Stack
    sandbox: SandboxClient
    events: DeliveryEvents
    shop: Shop
    since: Positions
    tap: Tap
    outages: list[Outage] = field(default_factory=list)

    @property
    def api_url(self) -> str:
        return self.stack.services["api"].url

    @property
    def bootstrap(self) -> str:
        return self.stack.backend.kafka_bootstrap

    def service(self, name: str) -> Service:
        return self.stack.services[name]

    def load(self) -> Load:
        return Load(self.bootstrap, self.sandbox, self.shop)

    async def send(self, phone: str, list_id: int) -> MessageRequested:
        request = self.shop.request(phone, list_id)
        await produce(self.bootstrap, [request])
        return request

    async def arrives(self, request: MessageRequested, timeout_seconds: float = 20.0) -> None:
        """Wait until the phone has the message."""
        await self.sandbox.wait_for_message(
            request.phone, lambda message: message["message_id"] == request.message_id, timeout_seconds
        )

    async def outcome(self, request: MessageRequested, outcome: str, timeout_seconds: float = 30.0) -> None:
        """Wait for what becomes of the message, which must be `outcome`; it may be unknown before."""
        event = await self.events.of_message(request.message_id, *FINAL, timeout_seconds=timeout_seconds)
        assert event.type == outcome, event

    async def reply(self, phone: str, body: str, **how: Any) -> dict[str, Any]:
        """Reply to the last message on the phone; the webhook must be accepted."""
        answer = await self.sandbox.reply(phone, body, account_id=self.shop.account.account_id, **how)
        assert answer["status_code"] == 200, answer
        return answer

    async def is_state(self, state: str, phone: str, list_id: int) -> bool:
        async with ApiClient(self.api_url, self.shop.account) as api:
            return await api.contact_status(list_id, phone) == state

    @asynccontextmanager
    async def successor(self) -> AsyncIterator[None]:
        """Run a second opt-out pipeline inside the block."""
        name = "optout-2"
        if name in self.stack.services:
            await self.stack.services[name].start()
        else:
            await self.stack.add_service("optout")
        try:
            yield
        finally:
            await self.stack.services[name].stop()

    @asynccontextmanager
    async def outage(self, what: str) -> AsyncIterator[None]:
        """Note that `what` is down inside the block: the checker lets no call pass then."""
        began_at = datetime.now(UTC)
        yield
        self.outages.append(Outage(what, began_at, datetime.now(UTC)))

    async def history(self) -> History:
        run = Run(
            self.bootstrap,
            self.api_url,
            self.sandbox,
            self.shop.account,
            self.shop.phones,
            self.since,
            tuple(self.outages),
            self.tap.stamps,
        )
        return await read_history(run)

    async def settle(self, timeout_seconds: float = SETTLE_SECONDS) -> History:
        """Return the history once it breaks no guarantee.

        Raises:
            AssertionError: one is broken for good, or something is still missing when the time is over.
        """
        violations: list[Violation] | str = []
        try:
            async with asyncio.timeout(timeout_seconds):
                while True:
                    try:
                        history = await self.history()
                        violations = check(history)
                    except TransientError as error:  # the API or Kafka is on its way up
                        violations = str(error)
                    else:
                        if not violations:
                            return history
                        assert not [v for v in violations if v.guarantee in _FOR_GOOD], _shown(violations)
                    await asyncio.sleep(_AGAIN_SECONDS)
        except TimeoutError:
            raise AssertionError(f"not settled in {timeout_seconds:.0f} s: {_shown(violations)}") from None


@asynccontextmanager
async def open_stack(shops: Sequence[Shop], tap: Tap, **how: Any) -> AsyncIterator[Stack]:
    """Start a stack with short deadlines with the tap in front of its carrier; judge all accounts once more at the end.

    Args:
        shops: the accounts that are there in the end.
        tap: see `Tap`.
        how: as `Stack` takes it.
    """
    settings = {**SETTINGS, "STOPLINE_CARRIER_URL": tap.url}
    async with Stack(durable=False, service_env=settings, say=_say, **how) as started:
        tap.carrier_port = int(started.endpoints().sandbox_url.rpartition(":")[2])
        yield started
        await judge_again(started, shops, tap)


@asynccontextmanager
async def open_world(stack: Stack, shops: list[Shop], tap: Tap) -> AsyncIterator[World]:
    """Make an account with lists and people, after everything that an earlier test stopped is brought back."""
    await _repair(stack)
    ends = stack.endpoints()
    async with SandboxClient(ends.sandbox_url) as sandbox, follow_delivery_events(ends.kafka_bootstrap) as events:
        await sandbox.set_faults(webhook_retries=8)
        shop = await open_shop(ends, sandbox, stack.kafka_settings().partitions)
        shops.append(shop)
        yield World(stack, sandbox, events, shop, await end_positions(ends.kafka_bootstrap), tap)


async def _repair(stack: Stack) -> None:
    for name, service in stack.services.items():
        if service.process.alive:
            await service.resume()
        elif name in ("inbound", "optout", "api", "sender"):
            await service.start()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


async def longer_than(seconds: float) -> None:
    """Let time pass that is itself the condition: an age, or a silence."""
    await asyncio.sleep(seconds)  # time itself is the condition


async def is_frozen(service: Service) -> bool:
    return psutil.Process(service.process.pid).status() == psutil.STATUS_STOPPED


async def judge_again(stack: Stack, shops: Sequence[Shop], tap: Tap) -> None:
    """Judge every account by all that is in Kafka and at the carrier at the end."""
    ends = stack.endpoints()
    records = await read_records(ends.kafka_bootstrap)
    async with SandboxClient(ends.sandbox_url) as sandbox:
        for shop in shops:
            run = Run(ends.kafka_bootstrap, ends.api_url, sandbox, shop.account, shop.phones, stamps=tap.stamps)
            violations = check(await read_history(run, records))
            assert not violations, f"{shop.account.account_id}, at the end: {_shown(violations)}"


def _shown(violations: list[Violation] | str) -> str:
    if isinstance(violations, str):
        return violations
    shown = "\n".join(map(str, violations[:20]))
    return f"{len(violations)} violations\n{shown}"
