"""Records of the topic, as tests write them."""

from itertools import islice
from uuid import UUID

from aiokafka import ConsumerRecord

from shared.events.codec import encode
from shared.events.suppression import SuppressionChanged, SuppressionState
from shared.partitions import partition_of

PARTITIONS = 3
CAUSE = UUID("24b6fe34-41a8-4052-aa12-0343c57102c9")


def record(
    key: bytes | None, value: bytes | None, *, offset: int = 0, partition: int = 0
) -> ConsumerRecord[bytes | None, bytes | None]:
    return ConsumerRecord(
        "suppressions", partition, offset, 0, 0, key, value, None, len(key or b""), len(value or b""), ()
    )


def changed(
    phone: str, state: SuppressionState = "opted_out", *, account_id: str = "acme", scope: str = "list:1"
) -> SuppressionChanged:
    return SuppressionChanged.model_validate_json(
        f'{{"account_id":"{account_id}","scope":"{scope}","phone":"{phone}","state":"{state}",'
        f'"cause_event_id":"{CAUSE}","changed_at":"2026-11-24T11:13:00.000001Z"}}'
    )


def record_of(event: SuppressionChanged, offset: int = 0) -> ConsumerRecord[bytes | None, bytes | None]:
    return record(event.key(), encode(event), offset=offset)


def phone_in(partition: int) -> str:
    """Return a phone that belongs to the partition."""
    return phones_in(partition, 1)[0]


def phones_in(partition: int, count: int) -> list[str]:
    """Return phones that belong to the partition."""
    phones = (f"+1415555{number:04}" for number in range(1000))
    return list(islice((phone for phone in phones if partition_of(phone, PARTITIONS) == partition), count))
