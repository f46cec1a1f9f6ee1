"""The suppressed keys of every (account, scope): a sorted array, and a small set of changes to it.

One task applies changes (the follower); lookups may run meanwhile,
also while a merge or a digest runs in a thread: a scope's array and changes are replaced together, never altered.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Literal, NamedTuple

import numpy as np

from shared.suppression_digest import MASK, keys_digest
from shared.suppressions.fence_pass import FencePass
from shared.suppressions.keys import (
    EMPTY,
    HELD,
    NOT_SUPPRESSED,
    Keys,
    SuppressionCode,
    cache_key,
    fill_states,
    merge,
    partition_in,
    partition_slice,
    phone_digits,
)

AccountScope = tuple[str, str]
"""Account and scope."""

Query = tuple[str, tuple[str, ...], int]
"""Account, the scopes in which sending may be forbidden, and the phone's key: see `query`."""

_MIN_CHANGES_TO_MERGE = 256
_MERGE_FRACTION = 128  # the memory of the changes: less than one byte for each key


class SuppressionHit(NamedTuple):
    """The reason why sending is forbidden: scope and state, as they are published in `MessageSuppressed`."""

    scope: str
    state: Literal["opted_out", "held"]


class CheckedSuppressions(NamedTuple):
    """The suppressions of some messages, found after a fence was completed: `CacheFollower.check` returns them."""

    fence_pass: FencePass
    hits: Sequence[SuppressionHit | None]
    """One per query, in the same order; None: nothing forbids sending."""
    source: object = None
    """The copy that was asked, and of which topics; `CacheFollower.verify_source` raises if it is another by now."""


class ScopeSuppressions:
    """The keys of one (account, scope); `changes` are the newest states, `keys` all others."""

    __slots__ = ("_both", "hits_by_state", "scope")

    def __init__(self, scope: str, keys: Keys = EMPTY) -> None:
        self.scope = scope
        self.hits_by_state = (SuppressionHit(scope, "opted_out"), SuppressionHit(scope, "held"))
        self._both: tuple[Keys, dict[int, SuppressionCode]] = (keys, {})

    @property
    def keys(self) -> Keys:
        return self._both[0]

    @property
    def changes(self) -> dict[int, SuppressionCode]:
        return self._both[1]

    def is_due(self) -> bool:
        """Say whether there are enough changes to merge them."""
        keys, changes = self._both
        return len(changes) > max(_MIN_CHANGES_TO_MERGE, keys.size // _MERGE_FRACTION)

    def merge(self) -> None:
        """Put the changes into the array; nobody may change the scope meanwhile, anybody may check it."""
        keys, changes = self._both
        self._both = (_merged(keys, changes), {})

    def of_partition(self, partition: int) -> Keys:
        """Return the keys of the partition as they are now, changes included."""
        keys, changes = self._both
        mine = {key: state for key, state in changes.items() if partition_in(key) == partition}
        return _merged(partition_slice(keys, partition), mine)

    def look_up(self, wanted: Keys, states: Keys) -> None:
        """Fill `states` with that of each key that is wanted; whatever is above `HELD` is not suppressed."""
        keys, changes = self._both
        fill_states(keys, wanted, states)
        if changes:
            for at, key in enumerate(wanted.tolist()):
                changed = changes.get(key)
                if changed is not None:
                    states[at] = changed


def _merged(keys: Keys, changes: dict[int, SuppressionCode]) -> Keys:
    if not changes:
        return keys
    changed = np.fromiter(changes, dtype=np.uint64, count=len(changes))
    states = np.fromiter(changes.values(), dtype=np.uint64, count=len(changes))
    order = np.argsort(changed)
    changed, states = changed[order], states[order]
    suppressed = states <= HELD
    return merge(keys, changed, changed[suppressed] | states[suppressed])


class SuppressionCache:
    """The phone numbers that may not be messaged.

    Args:
        scopes: every (account, scope) with its sorted keys, as `arrays` gives them.
    """

    def __init__(self, scopes: Iterable[tuple[AccountScope, Keys]] = ()) -> None:
        self._accounts: dict[str, dict[str, ScopeSuppressions]] = {}
        self._due: dict[AccountScope, ScopeSuppressions] = {}
        for (account_id, scope), keys in scopes:
            self._accounts.setdefault(account_id, {})[scope] = ScopeSuppressions(scope, keys)

    def apply(self, account_id: str, scope: str, states: Iterable[tuple[int, SuppressionCode]]) -> None:
        """Set the states of keys of one (account, scope), in this order."""
        scopes = self._accounts.setdefault(account_id, {})
        scope_keys = scopes.get(scope) or scopes.setdefault(scope, ScopeSuppressions(scope))
        scope_keys.changes.update(states)
        if scope_keys.is_due():
            self._due[account_id, scope] = scope_keys

    def due(self) -> list[ScopeSuppressions]:
        """Return the scopes to merge now, and forget that they are due."""
        due, self._due = list(self._due.values()), {}
        return due

    def hits(self, queries: Sequence[Query]) -> list[SuppressionHit | None]:
        """Return for each query the first of its scopes that forbids sending, or None: sending is allowed."""
        if not queries:
            return []
        account_id, scopes, _ = queries[0]
        alike = [key for whose, where, key in queries if where == scopes and whose == account_id]
        if len(alike) == len(queries):
            return self._hits_alike(self._scopes(account_id, scopes), np.array(alike, dtype=np.uint64))
        return self._hits_mixed(queries)

    def _hits_alike(self, scopes: Sequence[ScopeSuppressions], keys: Keys) -> list[SuppressionHit | None]:
        """Look up keys that are all asked for in the same scopes, as those of a campaign are."""
        hits: list[SuppressionHit | None] = [None] * keys.size
        states = np.empty(keys.size, dtype=np.uint64)
        for scope_keys in reversed(scopes):  # the first has the last word
            states.fill(NOT_SUPPRESSED)
            scope_keys.look_up(keys, states)
            suppressed = np.flatnonzero(states <= HELD)
            for at, state in zip(suppressed.tolist(), states[suppressed].tolist(), strict=True):
                hits[at] = scope_keys.hits_by_state[state]
        return hits

    def _hits_mixed(self, queries: Sequence[Query]) -> list[SuppressionHit | None]:
        """Look the queries up scope by scope; where several scopes forbid a message, its query says which is first."""
        hits: list[SuppressionHit | None] = [None] * len(queries)
        groups = self._grouped(queries)
        keys = np.fromiter([key for _, _, key in queries], dtype=np.uint64, count=len(queries))
        # One array for all scopes, a slice for each: numpy's calls cost more than what they do with a few keys.
        order = np.fromiter(chain.from_iterable(groups.values()), dtype=np.intp)
        wanted, states, begin = keys[order], np.empty(order.size, dtype=np.uint64), 0
        scope_of_slice = list[ScopeSuppressions]()
        for scope_keys, query_indexes in groups.items():
            end = begin + len(query_indexes)
            scope_keys.look_up(wanted[begin:end], states[begin:end])
            scope_of_slice.extend([scope_keys] * len(query_indexes))
            begin = end
        suppressed = np.flatnonzero(states <= HELD)
        for at, index, state in zip(
            suppressed.tolist(), order[suppressed].tolist(), states[suppressed].tolist(), strict=True
        ):
            found, before = scope_of_slice[at].hits_by_state[state], hits[index]
            hits[index] = found if before is None else _first(queries[index][1], before, found)
        return hits

    def _grouped(self, queries: Sequence[Query]) -> dict[ScopeSuppressions, list[int]]:
        """Return for each scope the indexes of the queries that are to be looked up there."""
        groups: dict[ScopeSuppressions, list[int]] = {}
        indexes_of: dict[tuple[str, tuple[str, ...]], list[list[int]]] = {}
        for index, (account_id, scopes, _) in enumerate(queries):
            asked = account_id, scopes
            if asked not in indexes_of:
                indexes_of[asked] = [groups.setdefault(each, []) for each in self._scopes(account_id, scopes)]
            for query_indexes in indexes_of[asked]:
                query_indexes.append(index)
        return groups

    def _scopes(self, account_id: str, scopes: tuple[str, ...]) -> list[ScopeSuppressions]:
        there = self._accounts.get(account_id, {})
        return [there[scope] for scope in scopes if scope in there]

    def count_and_digest(self, partition: int) -> tuple[int, int]:
        """Return how many keys of the partition are suppressed, and their digest, from the keys themselves.

        May run in a thread, like `arrays`, while nothing is applied.
        """
        count, digest = 0, 0
        for account_id, scopes in self._accounts.items():
            for scope, scope_keys in scopes.items():
                keys = scope_keys.of_partition(partition)
                count += keys.size
                digest += keys_digest(account_id, scope, phone_digits(keys))
        return count, digest & MASK

    def arrays(self) -> Iterator[tuple[AccountScope, Keys]]:
        """Give every (account, scope) with its sorted keys; merges what is not merged yet."""
        for account_id, scopes in self._accounts.items():
            for scope, scope_keys in scopes.items():
                scope_keys.merge()
                yield (account_id, scope), scope_keys.keys

    def count(self) -> int:
        """Return how many keys there are; changes that are not merged yet count as new ones."""
        return sum(keys.keys.size + len(keys.changes) for scopes in self._accounts.values() for keys in scopes.values())


def _first(scopes: tuple[str, ...], one: SuppressionHit, other: SuppressionHit) -> SuppressionHit:
    return one if scopes.index(one.scope) <= scopes.index(other.scope) else other


def query(account_id: str, scopes: tuple[str, ...], partition: int, phone: str) -> Query:
    """Return what to ask the cache about a phone in E.164 that belongs to `partition`."""
    return account_id, scopes, cache_key(partition, phone)


def partitions_in(queries: Iterable[Query]) -> set[int]:
    """Return the partitions that the queries are about."""
    return {partition_in(key) for _, _, key in queries}
