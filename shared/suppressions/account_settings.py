"""The settings and lists of accounts, which the gate asks, as the topic `suppressions` has them.

A partition has those of the accounts whose id belongs there. Its worker publishes all of them whenever it starts, under
a new epoch, then each change in front of the watermark that vouches for it. The watermark names the epoch and the sum
of the records' digests: whoever holds other records than these holds none that count (G4).
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.events.suppression import AccountSettingsPublished, ListPublished
from shared.suppression_digest import MASK, format_digest

_DIGEST_BYTES = 8


def digest_of(value: bytes) -> int:
    """Return what a record of settings adds to the sum of its epoch."""
    return int.from_bytes(hashlib.blake2b(value, digest_size=_DIGEST_BYTES).digest(), "little")


class DigestedAccountSettings(NamedTuple):
    """A record of the topic: its event, and the digest of its value."""

    event: AccountSettingsPublished | ListPublished
    digest: int


class _KeptList(NamedTuple):
    epoch: str
    exists: bool
    digest: int


@dataclass(frozen=True, slots=True)
class KeptAccountSettings:
    """The settings of a partition in a snapshot: accounts as events in JSON, lists as rows, each with its digest."""

    epoch: str | None = None
    digest: str | None = None
    accounts: list[tuple[str, int]] = field(default_factory=list)
    lists: list[tuple[str, int, str, bool, int]] = field(default_factory=list)


class AccountSettings:
    """The settings and lists of one account; without `published`, of one that the opt-out service does not know."""

    __slots__ = ("_epoch", "_lists", "published")

    def __init__(
        self, published: AccountSettingsPublished | None, lists: Mapping[int, _KeptList], epoch: str | None
    ) -> None:
        self.published = published
        self._lists = lists
        self._epoch = epoch

    def has_list(self, list_id: int) -> bool:
        """Say whether the account has a list of that id to send to."""
        found = self._lists.get(list_id)
        return found is not None and found.exists and found.epoch == self._epoch


SettingsByAccount = Mapping[str, AccountSettings]
"""By account."""


class PartitionAccountSettings:
    """The settings that one partition has, applied record by record."""

    def __init__(self, kept: KeptAccountSettings | None = None) -> None:
        kept = KeptAccountSettings() if kept is None else kept
        self._accounts: dict[str, DigestedAccountSettings] = {}
        self._lists: dict[str, dict[int, _KeptList]] = defaultdict(dict)
        self._sums: dict[str, int] = defaultdict(int)
        self.prove(kept.epoch, kept.digest)
        for text, digest in kept.accounts:
            self.apply(DigestedAccountSettings(AccountSettingsPublished.model_validate_json(text), digest))
        for account_id, list_id, epoch, exists, digest in kept.lists:
            self._set_list(account_id, list_id, _KeptList(epoch, exists, digest))

    @property
    def is_whole(self) -> bool:
        """Whether the records of the watermark's epoch are those that it vouches for."""
        return self._epoch is not None and format_digest(self._sums.get(self._epoch, 0)) == self._digest

    @property
    def epoch(self) -> str | None:
        """Which session of the opt-out service has published the newest watermark; None: it does not vouch for any."""
        return self._epoch

    def of(self, account_id: str) -> AccountSettings:
        """Return the settings of an account; ask `is_whole` first."""
        record = self._accounts.get(account_id)
        event = record.event if record is not None else None
        published = event if isinstance(event, AccountSettingsPublished) and event.epoch == self._epoch else None
        return AccountSettings(published, self._lists.get(account_id, {}), self._epoch)

    def apply(self, record: DigestedAccountSettings) -> None:
        """Put the record in the place of the one with the same key."""
        event = record.event
        if isinstance(event, ListPublished):
            self._set_list(event.account_id, event.list_id, _KeptList(event.epoch, event.exists, record.digest))
            return
        before = self._accounts.get(event.account_id)
        if before is not None:
            self._add(before.event.epoch, -before.digest)
        self._accounts[event.account_id] = record
        self._add(event.epoch, record.digest)

    def prove(self, epoch: str | None, digest: str | None) -> None:
        """Note what the newest watermark vouches for."""
        self._epoch, self._digest = epoch, digest

    def kept(self) -> KeptAccountSettings:
        """Return what goes into a snapshot."""
        return KeptAccountSettings(
            self._epoch,
            self._digest,
            [(record.event.model_dump_json(), record.digest) for record in self._accounts.values()],
            [
                (account_id, list_id, *row)
                for account_id, lists in self._lists.items()
                for list_id, row in lists.items()
            ],
        )

    def _set_list(self, account_id: str, list_id: int, row: _KeptList) -> None:
        lists = self._lists[account_id]
        before = lists.get(list_id)
        if before is not None:
            self._add(before.epoch, -before.digest)
        lists[list_id] = row
        self._add(row.epoch, row.digest)

    def _add(self, epoch: str, digest: int) -> None:
        total = (self._sums[epoch] + digest) & MASK
        if total:
            self._sums[epoch] = total
        else:
            del self._sums[epoch]
