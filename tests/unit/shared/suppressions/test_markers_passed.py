"""That only markers came moves the watermark of the session that says so, and of no other: a zombie is passed over."""

import asyncio

import pytest
from suppression_records import PARTITIONS, record

from shared.events.codec import encode
from shared.events.suppression import WATERMARK_KEY, MarkersPassed, WatermarkAdvanced
from shared.suppressions.account_settings import KeptAccountSettings
from shared.suppressions.snapshot import Origin, Snapshot
from shared.suppressions.state import CacheState

_OURS, _THEIRS, _ORIGIN = "a" * 16, "b" * 16, Origin("cluster", "suppressions", PARTITIONS)


def advanced(next_offset: int, epoch: str | None) -> WatermarkAdvanced:
    return WatermarkAdvanced(next_offset=next_offset, settings_epoch=epoch, settings_digest=epoch and "0" * 16)


def passed(next_offset: int, epoch: str) -> MarkersPassed:
    return MarkersPassed(next_offset=next_offset, settings_epoch=epoch)


def watermark_after(*events: WatermarkAdvanced | MarkersPassed, snapshot: Snapshot | None = None) -> int:
    state = CacheState(_ORIGIN, snapshot)
    records = [record(WATERMARK_KEY, encode(event), offset=place) for place, event in enumerate(events)]
    asyncio.run(state.partitions[0].apply(records, len(records)))
    assert not state.partitions[0].reader.unreadable
    return state.watermarks.next_offsets[0]


def test_the_session_of_the_newest_watermark_moves_it() -> None:
    assert watermark_after(advanced(5, _OURS), passed(6, _OURS), passed(9, _OURS)) == 9


@pytest.mark.parametrize("successors", [_THEIRS, None], ids=["its successor", "a successor without settings yet"])
def test_a_session_whose_successor_has_published_moves_nothing(successors: str | None) -> None:
    """The successor may be publishing old states again, so that its watermark is lower."""
    assert watermark_after(advanced(5, _OURS), passed(6, _OURS), advanced(3, successors), passed(9, _OURS)) == 3


def test_without_a_watermark_of_its_session_it_moves_nothing() -> None:
    """Such as where compaction has taken that one away."""
    assert watermark_after(passed(9, _OURS)) == 0
    assert watermark_after(passed(9, _OURS), advanced(7, _OURS), passed(10, _OURS)) == 10


def test_it_never_moves_a_watermark_back() -> None:
    assert watermark_after(advanced(5, _OURS), passed(4, _OURS)) == 5


def test_a_snapshot_keeps_whose_watermark_it_has() -> None:
    account_settings = [KeptAccountSettings(_OURS, "0" * 16), *(KeptAccountSettings() for _ in range(PARTITIONS - 1))]
    snapshot = Snapshot(_ORIGIN, [0] * PARTITIONS, [5] * PARTITIONS, [], account_settings)
    assert watermark_after(passed(8, _OURS), snapshot=snapshot) == 8
    assert watermark_after(passed(8, _THEIRS), snapshot=snapshot) == 5
