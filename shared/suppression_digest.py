"""The order-free digest by which opt-out service and cache compare the suppressed keys of a partition.

The digest of a set of keys is the sum, modulo 2**64, of `mix(phone ^ seed(account, scope))`, with the phone's digits
as a number and the finaliser of splitmix64 (Steele, Lea, Flood 2014) as `mix`: adding and removing a key are one
addition and one subtraction, whatever the order, and numpy computes it for arrays of phones.
"""

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

MASK = 0xFFFF_FFFF_FFFF_FFFF
_A, _B, _C = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


@lru_cache(maxsize=16_384)
def scope_seed(account_id: str, scope: str) -> int:
    """Return the 64 bits that distinguish the phones of one (account, scope) from another's."""
    return int.from_bytes(hashlib.blake2b(f"{account_id}|{scope}".encode(), digest_size=8).digest(), "little")


def key_digest(account_id: str, scope: str, phone_digits: int) -> int:
    """Return what one suppressed key adds to its partition's digest."""
    z = ((phone_digits ^ scope_seed(account_id, scope)) + _A) & MASK
    z = ((z ^ (z >> 30)) * _B) & MASK
    z = ((z ^ (z >> 27)) * _C) & MASK
    return z ^ (z >> 31)


def keys_digest(account_id: str, scope: str, phones_digits: NDArray[np.uint64]) -> int:
    """Return what an array of phones (digits as unsigned 64-bit numbers) of one (account, scope) adds."""
    z = (phones_digits ^ np.uint64(scope_seed(account_id, scope))) + np.uint64(_A)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(_B)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(_C)
    return int(np.add.reduce(z ^ (z >> np.uint64(31)), dtype=np.uint64)) & MASK


def format_digest(digest: int) -> str:
    """Return the digest as it stands in events: 16 hexadecimal digits."""
    return f"{digest & MASK:016x}"
