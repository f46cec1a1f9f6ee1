"""Many phones at once belong where each of them belongs."""

from hypothesis import given
from hypothesis import strategies as st

from services.sender.suppressions.keys import MAX_PARTITIONS, key_of, partition_in
from services.sender.suppressions.placement import partitions_of
from shared.partitions import partition_of

PHONES = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)


@given(st.lists(PHONES, max_size=40), st.integers(1, 1000))
def test_a_batch_is_placed_like_one_phone_after_the_other(phones: list[str], partitions: int) -> None:
    assert partitions_of([phone.encode() for phone in phones], partitions) == [
        partition_of(phone, partitions) for phone in phones
    ]


@given(PHONES, st.integers(0, MAX_PARTITIONS - 1))
def test_every_key_fits_in_64_bits_and_knows_its_partition(phone: str, partition: int) -> None:
    key = key_of(partition, phone)
    assert 0 <= key < 2**64
    assert partition_in(key) == partition
