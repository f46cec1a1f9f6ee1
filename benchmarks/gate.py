"""The gate: messages sent a second with it, and by the same sender without it, in turn."""

import statistics
from collections.abc import Sequence

from benchmarks.rows import Row, row
from benchmarks.sender import LATENCY_SECONDS, Rate, have_account, new_request, outcome_rate, produce_requests
from harness.sandbox.client import SandboxClient
from harness.stack.stack import Stack
from shared.events.outbound import MessageRequested

_FIRST_PHONE = 7_000_000_000
_WITH, _WITHOUT = "services.sender", "benchmarks.sender_without_gate"


async def run(stack: Stack, *, quick: bool) -> list[Row]:
    """Return the rows: medians of alternating runs, each with new messages and a sender that has just started."""
    count, rounds = (1_000, 1) if quick else (10_000, 4)
    await have_account(stack)
    taken: dict[str, list[Rate]] = {_WITH: [], _WITHOUT: []}
    async with SandboxClient(stack.services["sandbox"].url) as sandbox:
        await sandbox.set_faults(latency_seconds=LATENCY_SECONDS, forget=True)
        for number in range(rounds):
            # Each goes first in every other round: a run may slow the one that follows it.
            for place, module in enumerate((_WITH, _WITHOUT) if number % 2 else (_WITHOUT, _WITH)):
                first = _FIRST_PHONE + (2 * number + place) * count
                taken[module].append(await _sent(stack, module, _requests(first, count)))
        await sandbox.set_faults()
    with_gate, without = (_median(taken[module]) for module in (_WITH, _WITHOUT))
    return [
        row("sender, messages sent a second with the gate (baseline: the same sender without it)",
            with_gate.per_second, "/s", without.per_second, "≥ 0.95"),
        row("the same, by the CPU time of the sender", with_gate.per_cpu, "/CPU s", without.per_cpu),
    ]  # fmt: skip


def _requests(first: int, count: int) -> list[MessageRequested]:
    """Return messages that begin personally and end alike, as those of a campaign do."""
    return [
        new_request(number).model_copy(
            update={"body": f"Hello {number % 9_973}, your offer of the week is here. Reply STOP to opt out"}
        )
        for number in range(first, first + count)
    ]


async def _sent(stack: Stack, module: str, requests: Sequence[MessageRequested]) -> Rate:
    sender = stack.services["sender"]
    await sender.stop()
    await produce_requests(stack, requests)
    usual, sender._module = sender._module, module
    try:
        await sender.start()
        return await outcome_rate(sender, "sent", len(requests))
    finally:
        await sender.stop()
        sender._module = usual
        await sender.start()


def _median(rates: Sequence[Rate]) -> Rate:
    return Rate(statistics.median(each.per_second for each in rates), statistics.median(each.per_cpu for each in rates))
