"""Fewer messages are decided at once where decisions grow too old, and more again where they do not."""

import pytest

from services.sender.batch import LEAST, MOST, PartSize


def decided_for(messages: int, leave_in_time: int, size: PartSize) -> int:
    """Send `messages`, of which `leave_in_time` leave within a decision; return how many decisions it took."""
    decisions = 0
    while messages > 0:
        part = min(messages, size.messages, 2_000)
        left = min(part, leave_in_time)
        size.note(part, part - left)
        decisions += part
        messages -= left
    return decisions


@pytest.mark.parametrize("leave_in_time", [60, 200, 500, 1_500])
def test_on_a_slow_machine_hardly_any_message_is_decided_twice(leave_in_time: int) -> None:
    assert decided_for(50_000, leave_in_time, PartSize()) < 1.15 * 50_000


def test_a_quick_machine_decides_whole_batches() -> None:
    assert decided_for(50_000, 2_000, PartSize()) == 50_000


def test_it_never_stops_and_recovers() -> None:
    size = PartSize()
    for _ in range(20):
        size.note(size.messages, size.messages)
    assert size.messages == LEAST
    for _ in range(100):
        size.note(size.messages, 0)
    assert size.messages == MOST
