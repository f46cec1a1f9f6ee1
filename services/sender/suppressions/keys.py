"""Phones as unsigned 64-bit keys: the partition above, the digits below, so that a partition is one slice of an array.

E.164 has at most 15 digits, which fit in 50 bits; 14 bits are left for the partition.
"""

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]

PHONE_BITS = 50
MAX_PARTITIONS = 1 << 14
_PHONE_MASK = np.uint64((1 << PHONE_BITS) - 1)


def key_of(partition: int, phone: str) -> int:
    """Return the key of a phone in E.164 that belongs to `partition`."""
    return partition << PHONE_BITS | int(phone[1:])


def phone_digits(keys: Keys) -> Keys:
    """Return the phones of the keys, as numbers."""
    return keys & _PHONE_MASK


def partition_slice(keys: Keys, partition: int) -> Keys:
    """Return the part of the sorted `keys` that belongs to `partition`."""
    bounds = np.array([partition << PHONE_BITS, (partition + 1) << PHONE_BITS], dtype=np.uint64)
    begin, end = np.searchsorted(keys, bounds)
    return keys[begin:end]


def contains(keys: Keys, wanted: Keys) -> NDArray[np.bool_]:
    """Say for each of `wanted` whether it is among the sorted `keys`."""
    if not keys.size:
        return np.zeros(wanted.size, dtype=np.bool_)
    at = np.searchsorted(keys, wanted)
    at[at == keys.size] = 0  # behind the last key: compared with the first, which it cannot be
    found: NDArray[np.bool_] = keys[at] == wanted
    return found


def merge(keys: Keys, added: Keys, removed: Keys) -> Keys:
    """Return the sorted `keys` with some added that were not there and some removed that were."""
    kept = keys if not removed.size else np.delete(keys, np.searchsorted(keys, removed))
    return kept if not added.size else np.insert(kept, np.searchsorted(kept, added), added)
