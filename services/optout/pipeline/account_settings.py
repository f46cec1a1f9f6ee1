"""Publishes the settings of accounts, which the sender's gate asks, in front of the watermark that vouches for it.

A partition has the accounts whose id belongs there. A session publishes all of them under an epoch of its own, then
what has changed whenever records were read: so a marker that was appended after a change was committed is answered by
a watermark after that change.
"""

import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Protocol

from services.optout.decision_log.frequency_caps import load_frequency_caps
from services.optout.decision_log.gate_settings import (
    AccountSettingsChanges,
    ListOfAccount,
    load_account_ids,
    load_gate_settings,
    load_lists,
)
from services.optout.decision_log.sending_hours import load_sending_hours
from services.optout.pipeline.publish import AccountSettingsMark
from services.optout.pipeline.records import record_of
from shared.events.suppression import AccountSettingsPublished, ListPublished
from shared.partitions import partition_of
from shared.postgres import Connection, Pool, connection_from
from shared.producer import OutgoingRecord
from shared.suppression_digest import MASK, format_digest
from shared.suppressions.account_settings import digest_of

_EPOCH_BYTES = 8
_ACCOUNTS_AT_ONCE = 200
RECORDS_AT_ONCE = 2_000


class PublishesAccountSettings(Protocol):
    """A publisher of settings, as a session needs it; each method returns records to be published, which then count."""

    @property
    def mark(self) -> AccountSettingsMark:
        """Return the statement that vouches for all that was returned."""

    def all(self) -> AsyncIterator[Sequence[OutgoingRecord]]:
        """Yield the records of all accounts and lists, in parts; called once, first."""

    async def changed(self) -> Sequence[OutgoingRecord]:
        """Return the records of what has changed."""


class PartitionAccounts:
    """The accounts of one partition during one session."""

    def __init__(self, pool: Pool, partition: int, partitions: int) -> None:
        self._pool = pool
        self._partition = partition
        self._partitions = partitions
        self._epoch = secrets.token_hex(_EPOCH_BYTES)
        self._changes = AccountSettingsChanges()
        self._digests: dict[bytes, int] = {}
        self._sum = 0

    @property
    def mark(self) -> AccountSettingsMark:
        return AccountSettingsMark(self._epoch, format_digest(self._sum))

    async def all(self) -> AsyncIterator[Sequence[OutgoingRecord]]:
        async with connection_from(self._pool) as connection:
            await self._changes.start(connection)
            ours = self._ours(await load_account_ids(connection))
        for first in range(0, len(ours), _ACCOUNTS_AT_ONCE):
            some = ours[first : first + _ACCOUNTS_AT_ONCE]
            async with connection_from(self._pool) as connection:
                records = await self._records(connection, some, await load_lists(connection, some))
            for begin in range(0, len(records), RECORDS_AT_ONCE):
                yield records[begin : begin + RECORDS_AT_ONCE]

    async def changed(self) -> Sequence[OutgoingRecord]:
        async with connection_from(self._pool) as connection:
            changed = await self._changes.look(connection)
            if not changed.account_ids and not changed.lists:
                return ()
            lists = [each for each in changed.lists if self._is_ours(each.account_id)]
            return await self._records(connection, self._ours(changed.account_ids), lists)

    def _ours(self, account_ids: Iterable[str]) -> list[str]:
        return [each for each in account_ids if self._is_ours(each)]

    def _is_ours(self, account_id: str) -> bool:
        return partition_of(account_id, self._partitions) == self._partition

    async def _records(
        self, connection: Connection, account_ids: Sequence[str], lists: Sequence[ListOfAccount]
    ) -> list[OutgoingRecord]:
        found = await load_gate_settings(connection, account_ids) if account_ids else {}
        hours = await load_sending_hours(connection, account_ids) if account_ids else {}
        caps = await load_frequency_caps(connection, account_ids) if account_ids else {}
        events: list[AccountSettingsPublished | ListPublished] = [
            AccountSettingsPublished(
                account_id=account_id,
                epoch=self._epoch,
                policy=gate_settings.policy,
                instruction=gate_settings.instruction,
                exempts_conversational=gate_settings.exempts_conversational,
                words=dict(gate_settings.words),
                opt_out_confirmations=gate_settings.opt_out_confirmations,
                sending_hours=hours.get(account_id),
                frequency_cap=caps.get(account_id),
            )
            for account_id, gate_settings in found.items()
        ]
        events += [
            ListPublished(account_id=each.account_id, list_id=each.list_id, epoch=self._epoch, exists=each.exists)
            for each in lists
        ]
        return [self._count(event.key(), record_of(event.key(), event)) for event in events]

    def _count(self, key: bytes, record: OutgoingRecord) -> OutgoingRecord:
        digest = digest_of(record.value or b"")
        self._sum = (self._sum + digest - self._digests.get(key, 0)) & MASK
        self._digests[key] = digest
        return record
