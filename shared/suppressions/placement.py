"""The partitions of many keys at once, as `shared.partitions` has them; those of phones are computed with numpy."""

from collections.abc import Sequence

import numpy as np
from aiokafka.partitioner import murmur2
from numpy.typing import NDArray

_SEED, _M = np.uint32(0x9747B28C), np.uint32(0x5BD1E995)
_TO_POSITIVE = np.uint32(0x7FFFFFFF)
_MAX_BYTES = 16
"""A plus sign and at most 15 digits."""
_WORD_BYTES = 4
_SMALL_BATCH = 8


def partitions_of(keys: Sequence[bytes], partitions: int) -> list[int]:
    """Return the partition of each key, as `partition_of` does for one; fast for phones (E.164, as bytes)."""
    lengths = np.fromiter(map(len, keys), dtype=np.uint32, count=len(keys))
    if len(keys) < _SMALL_BATCH or lengths.max() > _MAX_BYTES:
        return [(murmur2(key) & 0x7FFFFFFF) % partitions for key in keys]
    padded = np.array(keys, dtype=f"S{_MAX_BYTES}")
    hashes = _murmur2(padded.view("<u4").reshape(len(keys), -1), lengths)
    placed: list[int] = ((hashes & _TO_POSITIVE) % np.uint32(partitions)).tolist()
    return placed


def _murmur2(words: NDArray[np.uint32], lengths: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Hash byte strings of up to 16 bytes, given as little-endian words with zeros after their end."""
    hashes = _SEED ^ lengths
    for column in range(words.shape[1]):
        word, end = words[:, column], (column + 1) * _WORD_BYTES
        mixed = word * _M
        mixed = (mixed ^ (mixed >> np.uint32(24))) * _M
        whole = (hashes * _M) ^ mixed
        tail = (hashes ^ word) * _M
        rest = lengths % _WORD_BYTES
        hashes = np.where(lengths >= end, whole, np.where((rest > 0) & (lengths + _WORD_BYTES > end), tail, hashes))
    hashes = (hashes ^ (hashes >> np.uint32(13))) * _M
    return hashes ^ (hashes >> np.uint32(15))
