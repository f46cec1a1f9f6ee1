"""Whether a partition of the cache is proven by the checkpoints of the opt-out service.

Compaction takes away older records of a key as soon as there is a newer one. A cache that reads a compacted part of the
topic may therefore differ from a checkpoint in keys that come again after it: such a difference proves nothing yet. It
is judged when the end of the topic, as it was known then, is reached; then the next checkpoint must agree. Until then
nothing is proven: a topic that was recreated has such differences, too, and lacks keys that do not come again.

The words: a partition is *proven* once a checkpoint agreed with its keys. A checkpoint that does not agree is a
*difference*; it is *explained* where compaction may be its cause, and otherwise an error. The proof *holds* while the
partition is proven and no difference waits to be judged. Whatever speaks against sending, a proof that does not hold or
anything else, is a *doubt* (`CacheFollower.doubts`).
"""

import logging
from dataclasses import dataclass

from shared.errors import TransientError
from shared.events.suppression import CheckpointPublished
from shared.suppression_digest import format_digest

log = logging.getLogger(__name__)


class CheckpointDiffersError(TransientError):
    """The cache does not hold what the opt-out service says it must."""


@dataclass(slots=True)
class Difference:
    """A checkpoint that did not agree; `changed_since` counts the suppressions that changed after it."""

    text: str
    keys: int
    judge_from: int
    changed_since: int = 0

    @property
    def compaction_may_explain_it(self) -> bool:
        """Whether enough suppressions changed since then to be all those by which the counts differ, at least one."""
        return self.changed_since >= max(self.keys, 1)


class Proof:
    """The proof of one partition.

    Attributes:
        proven: a checkpoint agreed.
        difference: what is not judged yet; nothing may be sent meanwhile.
    """

    def __init__(self, partition: int, *, proven: bool) -> None:
        self.proven = proven
        self.difference: Difference | None = None
        self._partition = partition
        self._explained = False

    @property
    def holds(self) -> bool:
        return self.proven and self.difference is None

    @property
    def is_explained(self) -> bool:
        """Whether compaction may explain the last difference: the next checkpoint decides."""
        return self._explained

    def compare(self, checkpoint: CheckpointPublished, count: int, digest: int, judge_from: int) -> bool:
        """Compare a checkpoint with the keys at its place, and return whether they agree.

        `judge_from` is the end of the topic as it is known.
        """
        if (count, format_digest(digest)) == (checkpoint.suppressed_count, checkpoint.digest):
            self.proven, self.difference, self._explained = True, None, False
            return True
        text = (
            f"partition {self._partition}, inbound offset {checkpoint.next_offset}: {count} keys here"
            f" ({format_digest(digest)}), {checkpoint.suppressed_count} there ({checkpoint.digest})"
        )
        self.difference = Difference(text, abs(checkpoint.suppressed_count - count), judge_from)
        return False

    def note_changes(self, count: int) -> None:
        """Note how many suppressions changed."""
        if self.difference is not None:
            self.difference.changed_since += count

    def judge(self, read_to: int) -> None:
        """Judge a difference, if the follower has come to where it can be.

        Raises:
            CheckpointDiffersError: compaction cannot explain it, or had to explain the one before already.
        """
        difference = self.difference
        if difference is None or read_to < difference.judge_from:
            return
        if self._explained or not difference.compaction_may_explain_it:
            raise CheckpointDiffersError(difference.text)
        log.info("a checkpoint differs by no more than what compaction may have removed: %s", difference.text)
        self.proven, self.difference, self._explained = False, None, True
