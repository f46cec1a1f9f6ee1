"""Where a record goes: Java's murmur2 of the phone, so that partition *p* means the same phones on every topic.

Kafka's Java client places a keyed record at `toPositive(murmur2(key)) % partitions` (`Utils.murmur2` and
`BuiltInPartitioner` in Apache Kafka). Suppressions have a longer key, so we place every record ourselves.
The settings of an account have its id in the phone's stead.
"""

from functools import lru_cache

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=65_536)
def partition_of(key: str, partitions: int) -> int:
    """Return the partition, 0 to `partitions` - 1, that holds everything about a phone, or about an account."""
    hashed: int = murmur2(key.encode())
    return (hashed & 0x7FFFFFFF) % partitions
