"""The suppressed keys of every (account, scope): a sorted array, and a small set of changes to it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.sender.suppressions.keys import Keys, contains, key_of, merge, partition_slice, phone_digits
from shared.suppression_digest import MASK, keys_digest

ScopeKey = tuple[str, str]
"""Account and scope."""

Query = tuple[str, tuple[str, ...], int]
"""Account, the scopes in which sending may be forbidden, and the phone's key."""

_MIN_CHANGES_TO_MERGE = 1_000
_MERGE_FRACTION = 64
_EMPTY: Keys = np.empty(0, dtype=np.uint64)


@dataclass(slots=True)
class ScopeKeys:
    """`changes` says of a key whether it is suppressed now, where that differs from `keys`."""

    keys: Keys = field(default_factory=lambda: _EMPTY)
    changes: dict[int, bool] = field(default_factory=dict)

    def holds(self, key: int) -> bool:
        changed = self.changes.get(key)
        return bool(contains(self.keys, np.array([key], dtype=np.uint64))[0]) if changed is None else changed

    def set(self, key: int, suppressed: bool) -> bool:  # noqa: FBT001 (a state, not a switch)
        """Set the key's state; return whether that changed it."""
        if self.holds(key) is suppressed:
            return False
        if key in self.changes:
            del self.changes[key]  # back to what the array says
        else:
            self.changes[key] = suppressed
        if len(self.changes) > max(_MIN_CHANGES_TO_MERGE, self.keys.size // _MERGE_FRACTION):
            self.merge()
        return True

    def merge(self) -> None:
        if self.changes:
            added = np.array(sorted(key for key, on in self.changes.items() if on), dtype=np.uint64)
            removed = np.array(sorted(key for key, on in self.changes.items() if not on), dtype=np.uint64)
            self.keys, self.changes = merge(self.keys, added, removed), {}

    def holds_each(self, wanted: Sequence[int]) -> list[bool]:
        """Say for each key whether it is suppressed."""
        found: list[bool] = contains(self.keys, np.array(wanted, dtype=np.uint64)).tolist()
        if self.changes:
            changes = self.changes
            return [changes.get(key, there) for key, there in zip(wanted, found, strict=True)]
        return found


class SuppressionCache:
    """Whom this sender may not message. Not for several threads; nothing in it waits."""

    def __init__(self, scopes: Iterable[tuple[ScopeKey, Keys]] = ()) -> None:
        self._scopes: dict[ScopeKey, ScopeKeys] = {scope: ScopeKeys(keys) for scope, keys in scopes}

    def apply(self, account_id: str, scope: str, key: int, *, suppressed: bool) -> bool:
        """Set the state of one key; return whether that changed it."""
        scope_keys = self._scopes.get((account_id, scope))
        if scope_keys is None:
            if not suppressed:
                return False
            scope_keys = self._scopes[account_id, scope] = ScopeKeys()
        return scope_keys.set(key, suppressed)

    def check(self, queries: Sequence[Query]) -> list[str | None]:
        """Return for each query the first of its scopes that forbids sending, or None: sending is allowed."""
        answers: list[str | None] = [None] * len(queries)
        for scope_key, positions in _by_scope(queries).items():
            scope_keys = self._scopes.get(scope_key)
            if scope_keys is None:
                continue
            held = scope_keys.holds_each([queries[at][2] for at in positions])
            for at, suppressed in zip(positions, held, strict=True):
                if suppressed:
                    answers[at] = _first(queries[at][1], answers[at], scope_key[1])
        return answers

    def count_and_digest(self, partition: int) -> tuple[int, int]:
        """Return how many keys of the partition are suppressed, and their digest, from the keys themselves."""
        count, digest = 0, 0
        for (account_id, scope), scope_keys in self._scopes.items():
            scope_keys.merge()
            mine = partition_slice(scope_keys.keys, partition)
            count += mine.size
            digest += keys_digest(account_id, scope, phone_digits(mine))
        return count, digest & MASK

    def arrays(self) -> Iterator[tuple[ScopeKey, Keys]]:
        """Give every (account, scope) with its sorted keys."""
        for scope_key, scope_keys in self._scopes.items():
            scope_keys.merge()
            yield scope_key, scope_keys.keys

    def __len__(self) -> int:
        return sum(keys.size for _, keys in self.arrays())


def _by_scope(queries: Sequence[Query]) -> dict[ScopeKey, list[int]]:
    positions: dict[ScopeKey, list[int]] = {}
    for at, (account_id, scopes, _) in enumerate(queries):
        for scope in scopes:
            positions.setdefault((account_id, scope), []).append(at)
    return positions


def _first(scopes: tuple[str, ...], found: str | None, new: str) -> str:
    return new if found is None or scopes.index(new) < scopes.index(found) else found


def query(account_id: str, scopes: tuple[str, ...], partition: int, phone: str) -> Query:
    """Return what to ask the cache about a phone in E.164."""
    return account_id, scopes, key_of(partition, phone)
