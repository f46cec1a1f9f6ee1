"""The snapshot comes back as it was written, and not at all where a byte of it is wrong."""

import os
from pathlib import Path

import numpy as np
import pytest

from services.sender import metrics
from shared.events.suppression import AccountSettingsPublished
from shared.suppressions.account_settings import KeptAccountSettings, PartitionAccountSettings
from shared.suppressions.keep import SNAPSHOT_FILE, SnapshotKeeper
from shared.suppressions.snapshot import Origin, Snapshot, read_snapshot, write_snapshot
from shared.suppressions.state import CacheState, fits

ORIGIN = Origin("cluster", "suppressions", 2)
SCOPES = [
    (("acme", "list:1"), np.array([2, 5, 1 << 60], dtype=np.uint64)),
    (("acme", "sender:+14155550199"), np.array([], dtype=np.uint64)),
    (("zeta", "account"), np.array([2**64 - 2], dtype=np.uint64)),
]
ACCOUNT = AccountSettingsPublished(
    account_id="acme", epoch="0" * 16, policy="reject", exempts_conversational=False, words={"*": ("stop",)}
)
SETTINGS = [
    KeptAccountSettings("0" * 16, "1" * 16, [(ACCOUNT.model_dump_json(), 5)], [("acme", 7, "0" * 16, True, 2**64 - 1)]),
    KeptAccountSettings(),
]
SNAPSHOT = Snapshot(ORIGIN, [10, 20], [7, 0], SCOPES, SETTINGS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "not-there-yet" / SNAPSHOT_FILE


def test_it_comes_back_as_it_was_written(path: Path) -> None:
    write_snapshot(path, SNAPSHOT)
    read = read_snapshot(path, ORIGIN)
    assert read is not None
    assert (read.origin, read.read_to, read.watermarks) == (ORIGIN, [10, 20], [7, 0])
    assert [(scope, keys.tolist()) for scope, keys in read.scopes] == [(scope, keys.tolist()) for scope, keys in SCOPES]
    assert PartitionAccountSettings(read.account_settings[0]).kept() == PartitionAccountSettings(SETTINGS[0]).kept()
    assert not PartitionAccountSettings(read.account_settings[1]).is_whole


def test_an_empty_cache_has_a_snapshot_too(path: Path) -> None:
    write_snapshot(path, Snapshot(ORIGIN, [1, 2], [0, 0], [], [KeptAccountSettings(), KeptAccountSettings()]))
    read = read_snapshot(path, ORIGIN)
    assert read is not None
    assert read.scopes == []


def test_two_processes_in_one_folder_write_two_files_and_the_last_one_counts(path: Path) -> None:
    """With one name for both, the second process would truncate what the first is about to put in its place."""
    seen: list[str] = []
    replace = Path.replace

    def replaces(new: Path, old: Path) -> Path:
        seen.append(new.name)
        if len(seen) == 1:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(os, "getpid", lambda: 2)
                write_snapshot(
                    path, Snapshot(ORIGIN, [1, 2], [0, 0], [], [KeptAccountSettings(), KeptAccountSettings()])
                )
        return replace(new, old)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", replaces)
        write_snapshot(path, SNAPSHOT)
    read = read_snapshot(path, ORIGIN)
    assert read is not None
    assert read.read_to == SNAPSHOT.read_to
    assert len(set(seen)) == 2


def test_what_a_killed_process_left_is_removed_when_it_is_old(path: Path) -> None:
    path.parent.mkdir()
    old, new = path.with_suffix(".1.new"), path.with_suffix(".2.new")
    for left in (old, new):
        left.touch()
    os.utime(old, (1, 1))
    write_snapshot(path, SNAPSHOT)
    assert sorted(each.name for each in path.parent.iterdir()) == sorted([path.name, new.name])


def test_a_wrong_byte_anywhere_makes_it_useless(path: Path) -> None:
    write_snapshot(path, SNAPSHOT)
    right = path.read_bytes()
    for at in range(len(right)):
        path.write_bytes(right[:at] + bytes([right[at] ^ 0x01]) + right[at + 1 :])
        assert read_snapshot(path, ORIGIN) is None, f"byte {at} of {len(right)}"


def test_a_file_that_ends_early_or_late_is_useless(path: Path) -> None:
    write_snapshot(path, SNAPSHOT)
    right = path.read_bytes()
    for length in range(len(right)):
        path.write_bytes(right[:length])
        assert read_snapshot(path, ORIGIN) is None, f"{length} of {len(right)} bytes"
    path.write_bytes(right + bytes(8))
    assert read_snapshot(path, ORIGIN) is None


@pytest.mark.parametrize(
    "other",
    [Origin("another", "suppressions", 2), Origin("cluster", "others", 2), Origin("cluster", "suppressions", 3)],
)
def test_the_snapshot_of_another_topic_is_useless(path: Path, other: Origin, caplog: pytest.LogCaptureFixture) -> None:
    write_snapshot(path, SNAPSHOT)
    assert read_snapshot(path, other) is None
    assert "is not used" in caplog.text


def test_a_snapshot_beyond_the_end_of_the_topic_does_not_fit() -> None:
    assert fits(ORIGIN, [10, 20], ORIGIN, [10, 20])
    assert not fits(ORIGIN, [10, 20], ORIGIN, [30, 19])
    assert not fits(ORIGIN, [10, 20], Origin("another", "suppressions", 2), [10, 20])


async def test_the_keeper_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    keeper = SnapshotKeeper(tmp_path, 300, now=0, metrics=metrics.CACHE)
    state = CacheState(ORIGIN, SNAPSHOT)
    assert not keeper.is_due(299)
    assert keeper.is_due(300)
    for position in (11, 12):
        state.partitions[0].move(position)
        await keeper.write_last(state, 300)
        read = await keeper.read(ORIGIN)
        assert read is not None
        assert read.read_to == [position, 20]
    assert [each.name for each in tmp_path.iterdir()] == [SNAPSHOT_FILE]


async def test_a_folder_that_cannot_be_written_costs_the_snapshot_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    keeper = SnapshotKeeper(tmp_path / "file", 300, now=0, metrics=metrics.CACHE)
    await keeper.write_last(CacheState(ORIGIN, SNAPSHOT), 300)
    assert "no snapshot" in caplog.text


async def test_what_is_wrong_is_forgotten(tmp_path: Path) -> None:
    keeper = SnapshotKeeper(tmp_path, 300, now=0, metrics=metrics.CACHE)
    await keeper.write_last(CacheState(ORIGIN, SNAPSHOT), 300)
    keeper.forget()
    keeper.forget()
    assert await keeper.read(ORIGIN) is None
