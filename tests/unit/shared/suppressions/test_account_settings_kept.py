"""Settings count only while they are exactly those that the watermark vouches for (G4)."""

from settings_records import EPOCH, SettingsOfPartition

from shared.events.codec import decode
from shared.events.suppression import AccountSettingsPublished, ListPublished, suppression_event_adapter
from shared.suppressions.account_settings import DigestedAccountSettings, PartitionAccountSettings, digest_of

ACCOUNT = "acme"


def apply(account_settings: PartitionAccountSettings, *records: tuple[bytes, bytes]) -> None:
    for _, value in records:
        event = decode(suppression_event_adapter, value)
        assert isinstance(event, AccountSettingsPublished | ListPublished)
        account_settings.apply(DigestedAccountSettings(event, digest_of(value)))


def prove(account_settings: PartitionAccountSettings, published: SettingsOfPartition) -> None:
    mark = published.watermark(0)
    account_settings.prove(mark.settings_epoch, mark.settings_digest)


def test_nothing_counts_before_a_watermark_vouches_for_it() -> None:
    account_settings, published = PartitionAccountSettings(), SettingsOfPartition()
    apply(account_settings, *published.account(ACCOUNT, [7]))
    assert not account_settings.is_whole
    prove(account_settings, published)
    assert account_settings.is_whole
    assert account_settings.of(ACCOUNT).has_list(7)
    assert not account_settings.of(ACCOUNT).has_list(8)
    assert not account_settings.of("nobody").has_list(7)
    assert account_settings.of("nobody").published is None


def test_one_record_that_is_missing_or_another_makes_all_of_them_worthless() -> None:
    published = SettingsOfPartition()
    records = published.account(ACCOUNT, [7, 8])
    for missing in range(len(records)):
        account_settings = PartitionAccountSettings()
        apply(account_settings, *records[:missing], *records[missing + 1 :])
        prove(account_settings, published)
        assert not account_settings.is_whole
        apply(account_settings, records[missing])
        assert account_settings.is_whole
        apply(
            account_settings, SettingsOfPartition().record(published.list_of(ACCOUNT, 8, exists=False))
        )  # a stranger's
        assert not account_settings.is_whole


def test_a_change_counts_with_the_watermark_after_it_and_a_list_can_end() -> None:
    account_settings, published = PartitionAccountSettings(), SettingsOfPartition()
    apply(account_settings, *published.account(ACCOUNT, [7]))
    prove(account_settings, published)
    apply(account_settings, published.record(published.list_of(ACCOUNT, 7, exists=False)))
    assert not account_settings.is_whole
    prove(account_settings, published)
    assert account_settings.is_whole
    assert not account_settings.of(ACCOUNT).has_list(7)


def test_what_an_earlier_epoch_had_and_this_one_has_not_is_gone() -> None:
    """As after a database was restored from a backup that does not know the account, or one of its lists."""
    account_settings, before = PartitionAccountSettings(), SettingsOfPartition()
    apply(account_settings, *before.account(ACCOUNT, [7, 8]), *before.account("gone", [9]))
    prove(account_settings, before)
    assert account_settings.of("gone").has_list(9)
    now = SettingsOfPartition("f" * 16)
    apply(account_settings, *now.account(ACCOUNT, [7]))
    assert not account_settings.is_whole  # the new epoch is not vouched for, the old one not all there
    prove(account_settings, now)
    assert account_settings.is_whole
    assert (account_settings.of(ACCOUNT).has_list(7), account_settings.of(ACCOUNT).has_list(8)) == (True, False)
    assert (account_settings.of("gone").has_list(9), account_settings.of("gone").published) == (False, None)


def test_a_snapshot_has_all_of_it() -> None:
    account_settings, published = PartitionAccountSettings(), SettingsOfPartition()
    apply(account_settings, *published.account(ACCOUNT, [7]))
    prove(account_settings, published)
    kept = PartitionAccountSettings(account_settings.kept())
    assert kept.is_whole
    assert kept.of(ACCOUNT).has_list(7)
    assert kept.of(ACCOUNT).published == account_settings.of(ACCOUNT).published
    apply(kept, *published.account(ACCOUNT, [7], policy="append", instruction="Reply STOP to opt out"))
    assert not kept.is_whole
    prove(kept, published)
    assert kept.is_whole


def test_a_watermark_without_an_epoch_takes_everything_back() -> None:
    account_settings, published = PartitionAccountSettings(), SettingsOfPartition(EPOCH)
    prove(account_settings, published)
    assert account_settings.is_whole
    account_settings.prove(None, None)
    assert not account_settings.is_whole
