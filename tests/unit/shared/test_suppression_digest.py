"""Opt-out service and cache compute the same digest, whatever the order and whichever way."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shared.suppression_digest import MASK, format_digest, key_digest, keys_digest

PHONES = st.lists(st.integers(10**7, 10**15 - 1), unique=True, max_size=50)


@given(PHONES, st.sampled_from(["account", "list:1", "sender:ACME"]))
def test_the_sum_of_single_keys_is_the_digest_of_the_array(phones: list[int], scope: str) -> None:
    one_by_one = sum(key_digest("demo", scope, phone) for phone in phones) & MASK
    assert keys_digest("demo", scope, np.array(sorted(phones), dtype=np.uint64)) == one_by_one


def test_account_and_scope_are_part_of_a_key() -> None:
    digests = {key_digest(a, s, 14155550100) for a in ("a", "b") for s in ("account", "list:1", "list:11")}
    assert len(digests) == 6


def test_a_digest_is_sixteen_hexadecimal_digits() -> None:
    assert format_digest(-1) == "f" * 16
    assert format_digest(1) == "0" * 15 + "1"
