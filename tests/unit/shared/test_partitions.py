"""Partitioning is Java's: other clients place the same phone on the same partition."""

import pytest
from aiokafka.partitioner import murmur2
from hypothesis import given
from hypothesis import strategies as st

from shared.partitions import partition_of


# From Apache Kafka's own UtilsTest.testMurmur2, as signed 32-bit numbers.
@pytest.mark.parametrize(
    ("text", "signed"),
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    ],
)
def test_murmur2_gives_what_kafkas_java_client_gives(text: str, signed: int) -> None:
    assert murmur2(text.encode()) == signed & 0xFFFFFFFF


@given(st.integers(10**7, 10**15 - 1), st.integers(1, 64))
def test_a_partition_is_always_within_the_topic(digits: int, partitions: int) -> None:
    assert 0 <= partition_of(f"+{digits}", partitions) < partitions
