"""When the consumer has stopped delivering what Kafka has, as happens to it after a broker's restart."""

from collections.abc import Mapping


class StuckDetector:
    """A detector of partitions that did not move between two looks although there was more to read."""

    def __init__(self, looks_every_seconds: float, now: float) -> None:
        self._seconds = looks_every_seconds
        self._looked_at = now
        self._unfinished: dict[int, int] = {}

    def is_due(self, now: float) -> bool:
        return now - self._looked_at >= self._seconds

    def look(self, now: float, positions: Mapping[int, int], ends: Mapping[int, int]) -> list[int]:
        """Return the partitions that are stuck; `positions` are the next offsets to read."""
        self._looked_at = now
        before = self._unfinished
        self._unfinished = {partition: at for partition, at in positions.items() if at < ends[partition]}
        return [partition for partition, at in self._unfinished.items() if before.get(partition) == at]
