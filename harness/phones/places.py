"""How far each partition is: the fence markers in it, and the watermarks that have passed them. Pure."""

from collections import defaultdict, deque

from harness.phones.limits import MAX_MARKS_PER_PARTITION
from harness.phones.observed import Observed, whole_milliseconds


class Places:
    """The markers and watermarks of all partitions, as they were read."""

    def __init__(self) -> None:
        self._markers: dict[int, deque[tuple[int, int]]] = defaultdict(lambda: deque(maxlen=MAX_MARKS_PER_PARTITION))
        self._watermarks: dict[int, deque[tuple[int, int]]] = defaultdict(lambda: deque(maxlen=MAX_MARKS_PER_PARTITION))
        self._passed_at: dict[int, tuple[int, int]] = {}

    def marker(self, seen: Observed) -> None:
        self._markers[seen.partition].append((seen.offset, seen.written_us))

    def watermark(self, seen: Observed, next_offset: int) -> None:
        marks = self._watermarks[seen.partition]
        if not marks or next_offset > marks[-1][0]:
            marks.append((next_offset, seen.written_us))
            self._passed_at[seen.partition] = next_offset, seen.seen_us

    def has_passed(self, partition: int, offset: int) -> bool:
        """Return whether a watermark has been read that vouches for everything up to this offset."""
        return self._passed_at.get(partition, (0, 0))[0] > offset

    def first_watermark_after(self, partition: int, offset: int) -> int | None:
        """Return when the watermark was written that was the first to vouch for the offset; None: not read yet."""
        return next((at for following, at in self._watermarks[partition] if following > offset), None)

    def fence_opened(self, partition: int, began_us: int) -> int | None:
        """Return when the fence opened for a decision that began then; None where that is not known.

        Its marker is the first that was appended after the decision began (others' markers serve as well), and the
        fence opens with the first watermark after it.
        """
        began = whole_milliseconds(began_us)
        marker = next((offset for offset, at in self._markers[partition] if at >= began), None)
        return None if marker is None else self.first_watermark_after(partition, marker)
