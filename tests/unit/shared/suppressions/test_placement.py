"""Many phones at once belong where each of them belongs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.partitions import partition_of
from shared.settings import KafkaSettings
from shared.suppressions.keys import cache_key, partition_in
from shared.suppressions.placement import partitions_of

PHONES = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
LIMIT_PARTITIONS = 1000


@given(st.lists(PHONES, max_size=40), st.integers(1, LIMIT_PARTITIONS))
def test_a_batch_is_placed_like_one_phone_after_the_other(phones: list[str], partitions: int) -> None:
    assert partitions_of([phone.encode() for phone in phones], partitions) == [
        partition_of(phone, partitions) for phone in phones
    ]


@given(PHONES, st.integers(0, LIMIT_PARTITIONS - 1))
def test_every_key_fits_in_64_bits_and_knows_its_partition(phone: str, partition: int) -> None:
    key = cache_key(partition, phone)
    assert 0 <= key < 2**64
    assert partition_in(key) == partition


def test_no_deployment_has_more_partitions_than_the_keys_are_tested_for() -> None:
    assert KafkaSettings(kafka_bootstrap="a:9092", partitions=LIMIT_PARTITIONS).partitions == LIMIT_PARTITIONS
    with pytest.raises(ValidationError, match="less than or equal to 1000"):
        KafkaSettings(kafka_bootstrap="a:9092", partitions=LIMIT_PARTITIONS + 1)


def test_keys_that_are_longer_than_a_phone_are_placed_the_same_in_a_batch_as_alone() -> None:
    keys = [f"message-id-{number:020}".encode() for number in range(20)]
    assert partitions_of(keys, 6) == [partition_of(key.decode(), 6) for key in keys]
