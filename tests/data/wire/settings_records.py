"""Records of accounts' settings as the opt-out service publishes them, for tests that stand in for it."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.events.codec import encode
from shared.events.suppression import AccountSettingsPublished, ListPublished, WatermarkAdvanced
from shared.suppression_digest import MASK, format_digest
from shared.suppressions.account_settings import digest_of

WORDS = {"*": ("stop", "stop all", "unsubscribe", "end")}
EPOCH = "e" * 16


class SettingsOfPartition:
    """The settings that one partition has, and the watermark that vouches for them."""

    def __init__(self, epoch: str = EPOCH) -> None:
        self.epoch = epoch
        self._digests: dict[bytes, int] = {}

    def account(
        self, account_id: str, lists: Iterable[int], words: Mapping[str, tuple[str, ...]] | None = None, **more: Any
    ) -> list[tuple[bytes, bytes]]:
        """Return the records, key and value, of an account with these lists."""
        fields = {"policy": "reject", "exempts_conversational": False, "words": WORDS if words is None else words}
        events: list[AccountSettingsPublished | ListPublished] = [
            AccountSettingsPublished(**{"account_id": account_id, "epoch": self.epoch, **fields, **more})
        ]
        events += [self.list_of(account_id, list_id) for list_id in lists]
        return [self.record(event) for event in events]

    def list_of(self, account_id: str, list_id: int, *, exists: bool = True) -> ListPublished:
        return ListPublished(account_id=account_id, list_id=list_id, epoch=self.epoch, exists=exists)

    def record(self, event: AccountSettingsPublished | ListPublished) -> tuple[bytes, bytes]:
        value = encode(event)
        self._digests[event.key()] = digest_of(value)
        return event.key(), value

    def watermark(self, next_offset: int) -> WatermarkAdvanced:
        return WatermarkAdvanced(
            next_offset=next_offset,
            settings_epoch=self.epoch,
            settings_digest=format_digest(sum(self._digests.values()) & MASK),
        )
