"""Suppressions as unsigned 64-bit keys: the partition above, the phone's digits below, the state in the lowest bit.

So a partition is one slice of a sorted array, and a phone has one place in it, whatever its state. E.164 has at most 15
digits, which fit in 50 bits; 13 bits are left for the partition: settings allow fewer.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
"""Sorted, without duplicates."""

SuppressionCode = int
OPTED_OUT: Final = 0
HELD: Final = 1
NOT_SUPPRESSED: Final = 2

PHONE_BITS = 50
_STATE_BITS = 1
_PARTITION_SHIFT = PHONE_BITS + _STATE_BITS
_PHONE_MASK = (1 << PHONE_BITS) - 1
_ONE_BIT = np.uint64(_STATE_BITS)

EMPTY: Keys = np.empty(0, dtype=np.uint64)


def cache_key(partition: int, phone: str) -> int:
    """Return the key of a phone in E.164 that belongs to `partition`, without a state."""
    return partition << _PARTITION_SHIFT | int(phone[1:]) << _STATE_BITS


def first_key_of(partition: int) -> int:
    """Return the number that is added to twice the digits of a phone of this partition to get its key."""
    return partition << _PARTITION_SHIFT


def partition_in(key: int) -> int:
    """Return the partition that the key belongs to."""
    return key >> _PARTITION_SHIFT


def phone_digits(keys: Keys) -> Keys:
    """Return the phones of the keys, as numbers."""
    return (keys >> _ONE_BIT) & np.uint64(_PHONE_MASK)


def partition_slice(keys: Keys, partition: int) -> Keys:
    """Return the part of `keys` that belongs to `partition`."""
    bounds = np.array([partition << _PARTITION_SHIFT, ((partition + 1) << _PARTITION_SHIFT) - 1], dtype=np.uint64)
    begin, end = keys.searchsorted(bounds[:1])[0], keys.searchsorted(bounds[1:], side="right")[0]
    return keys[begin:end]


def fill_states(keys: Keys, wanted: Keys, states: Keys) -> None:
    """Fill `states` with that of each key that is `wanted` (without a state); above `HELD`: the key is not there."""
    if keys.size:
        # The nearest key that is not below; past the end the last one. What it differs by is the state, or more.
        keys.take(keys.searchsorted(wanted), mode="clip", out=states)
        np.bitwise_xor(states, wanted, out=states)
    else:
        states.fill(NOT_SUPPRESSED)


def merge(keys: Keys, removed: Keys, added: Keys) -> Keys:
    """Return `keys` without those that are `removed` (given without a state), and with `added` (with their state).

    Every phone that is added is among the removed too; removing an absent key is not an error.
    """
    kept = _without(keys, removed)
    return kept if not added.size else np.insert(kept, kept.searchsorted(added), added)


def _without(keys: Keys, removed: Keys) -> Keys:
    at = keys.searchsorted(removed)
    states = np.empty(removed.size, dtype=np.uint64)
    fill_states(keys, removed, states)
    there = at[states <= HELD]
    if not there.size:
        return keys
    kept = np.ones(keys.size, dtype=np.bool_)
    kept[there] = False
    return keys[kept]
