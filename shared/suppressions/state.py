"""All that the follower knows at one moment: keys, watermarks, and where and how sure each partition is."""

from collections.abc import Iterable, Sequence

from shared.errors import TransientError
from shared.suppressions.account_settings import PartitionAccountSettings
from shared.suppressions.apply import PartitionFollower
from shared.suppressions.confirmable import ConfirmableOptOuts
from shared.suppressions.fence_pass import FencePass
from shared.suppressions.lookup import SuppressionCache
from shared.suppressions.snapshot import Origin, Snapshot
from shared.suppressions.watermarks import Watermarks


class CacheState:
    """The state of the cache: from a snapshot, whose keys were proven, or empty without one."""

    def __init__(self, origin: Origin, snapshot: Snapshot | None = None) -> None:
        numbers = range(origin.partitions)
        self.origin = origin
        self.cache = SuppressionCache(snapshot.scopes if snapshot else ())
        self.watermarks = Watermarks(list(snapshot.watermarks) if snapshot else [0 for _ in numbers])
        self.confirmable = ConfirmableOptOuts()
        self.partitions = [
            PartitionFollower(
                number,
                origin.partitions,
                self.cache,
                self.watermarks,
                read_to=snapshot.read_to[number] if snapshot else 0,
                proven=snapshot is not None,
                account_settings=PartitionAccountSettings(snapshot.account_settings[number] if snapshot else None),
                confirmable=self.confirmable,
            )
            for number in numbers
        ]

    @property
    def read_to(self) -> list[int]:
        return [partition.read_to for partition in self.partitions]

    def has_reached(self, ends: Sequence[int]) -> bool:
        return all(partition.read_to >= end for partition, end in zip(self.partitions, ends, strict=True))

    def fits(self, origin: Origin, ends: Sequence[int]) -> bool:
        """Say whether the topic, as it is now, can go on where this ends."""
        return fits(self.origin, self.read_to, origin, ends)

    def passed(self, fence_pass: FencePass) -> "CacheState":
        """Return the state, if it is still as new as the fence found it, and as sure.

        A replay publishes old states again, with an older watermark before them. It may begin after one partition has
        passed the fence, and while another is waited for. The watermark after a checkpoint that differs, or after a
        record that cannot be read, wakes who waits for it before the follower comes to say that it doubts.

        Raises:
            TransientError: it is not; nothing may be decided by it.
        """
        newest = self.watermarks.next_offsets
        if back := [number for number, marker in fence_pass.markers.items() if newest[number] <= marker]:
            raise TransientError(f"the watermarks of partitions {back} went back after the fence: states are replayed")
        if doubts := self.doubts(fence_pass.partitions):
            raise TransientError(f"the suppression cache is not ready: {'; '.join(doubts)}")
        return self

    def doubts(self, numbers: Iterable[int] | None = None) -> list[str]:
        """Return what speaks against sending, a line each: of these partitions, or of all."""
        looked_at = range(len(self.partitions)) if numbers is None else sorted(numbers)
        return [doubt for number in looked_at for doubt in _doubts(number, self.partitions[number])]

    def snapshot(self) -> Snapshot:
        """Return what goes to disk; may run in a thread while nothing is applied."""
        return Snapshot(
            self.origin,
            self.read_to,
            list(self.watermarks.next_offsets),
            list(self.cache.arrays()),
            [partition.account_settings.kept() for partition in self.partitions],
        )


def fits(kept: Origin, read_to: Sequence[int], now: Origin, ends: Sequence[int]) -> bool:
    """Say whether a topic `kept`, read up to these offsets, can be read on from them as the topic that is `now`."""
    return kept == now and all(offset <= end for offset, end in zip(read_to, ends, strict=True))


def _doubts(number: int, partition: PartitionFollower) -> list[str]:
    unreadable = partition.reader.unreadable
    found = [f"partition {number}: {key!r}: {why}" for key, why in list(unreadable.items())[:3]]
    if len(unreadable) > len(found):
        found.append(f"partition {number}: {len(unreadable)} keys that cannot be read")
    if partition.proof.difference is not None:
        found.append(f"a checkpoint differs: {partition.proof.difference.text}")
    elif not partition.proof.proven:
        found.append(f"partition {number}: no checkpoint yet; the opt-out service publishes one when it starts")
    return found
