"""When a checkpoint that differs means that the cache is wrong, and when compaction explains it."""

import pytest

from shared.events.suppression import CheckpointPublished
from shared.suppressions.proof import CheckpointDiffersError, Proof

ONE_KEY = CheckpointPublished(next_offset=7, suppressed_count=1, digest="00000000000000ff")


def test_a_partition_without_a_checkpoint_is_not_proven() -> None:
    assert not Proof(0, proven=False).holds


def test_a_checkpoint_that_agrees_proves_the_partition() -> None:
    proof = Proof(0, proven=False)
    proof.compare(ONE_KEY, 1, 0xFF, judge_from=10)
    assert proof.holds


@pytest.mark.parametrize(("count", "digest"), [(0, 0), (2, 0x1FF), (1, 0xFE)])
def test_a_difference_forbids_sending_at_once_and_is_an_error_at_the_end(count: int, digest: int) -> None:
    proof = Proof(0, proven=True)
    proof.compare(ONE_KEY, count, digest, judge_from=10)
    assert not proof.holds
    proof.judge(9)
    with pytest.raises(CheckpointDiffersError, match=f"partition 0.* {count} keys here .*, 1 there"):
        proof.judge(10)


def test_keys_that_compaction_took_away_come_again_after_the_checkpoint() -> None:
    proof = Proof(0, proven=False)
    proof.compare(ONE_KEY, 0, 0, judge_from=10)
    proof.note_changes(1)
    proof.judge(10)
    assert proof.is_explained
    assert not proof.holds, "a recreated topic lacks keys that never come again, and has the same difference"
    proof.compare(ONE_KEY, 1, 0xFF, judge_from=20)
    assert proof.holds


def test_more_missing_keys_than_came_again_are_an_error() -> None:
    proof = Proof(0, proven=False)
    proof.compare(CheckpointPublished(next_offset=7, suppressed_count=3, digest="0" * 16), 1, 5, judge_from=10)
    proof.note_changes(1)
    with pytest.raises(CheckpointDiffersError):
        proof.judge(10)


def test_compaction_cannot_explain_two_differences_in_a_row() -> None:
    proof = Proof(0, proven=False)
    for end in (10, 20):
        proof.compare(ONE_KEY, 0, 0, judge_from=end)
        proof.note_changes(1)
        if end == 10:
            proof.judge(end)
    with pytest.raises(CheckpointDiffersError):
        proof.judge(20)


def test_a_checkpoint_that_agrees_settles_an_earlier_difference() -> None:
    proof = Proof(0, proven=False)
    proof.compare(ONE_KEY, 0, 0, judge_from=10)
    proof.compare(ONE_KEY, 1, 0xFF, judge_from=10)
    proof.judge(10)
    assert proof.holds
