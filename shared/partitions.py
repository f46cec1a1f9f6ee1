"""Where a record goes: Java's murmur2 of the phone, so that partition *p* means the same phones on every topic.

Kafka's Java client places a keyed record at `toPositive(murmur2(key)) % partitions` (`Utils.murmur2` and
`BuiltInPartitioner` in Apache Kafka). Suppressions have a longer key, so we place every record ourselves.
"""

from functools import lru_cache

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Return the 32-bit hash (unsigned) that Kafka's Java client computes for `data`."""
    length = len(data)
    h = (_SEED ^ length) & _MASK
    whole = length & ~3
    for i in range(0, whole, 4):
        k = (int.from_bytes(data[i : i + 4], "little") * _M) & _MASK
        k = ((k ^ (k >> 24)) * _M) & _MASK
        h = ((h * _M) & _MASK) ^ k
    if length != whole:
        h = ((h ^ int.from_bytes(data[whole:], "little")) * _M) & _MASK
    h = ((h ^ (h >> 13)) * _M) & _MASK
    return h ^ (h >> 15)


@lru_cache(maxsize=65_536)
def partition_of(phone: str, partitions: int) -> int:
    """Return the partition, 0 to `partitions` - 1, that holds everything about `phone`."""
    return (murmur2(phone.encode()) & 0x7FFFFFFF) % partitions
