"""Which addresses a customer's webhook may have."""

import pytest

from services.optout.webhooks.addresses import is_public


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "64:ff9b::101:101"])
def test_what_everybody_can_reach_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "::",
        "fe80::1",
        "224.0.0.1",
        "::ffff:10.0.0.1",
        "::10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
    ],
)
def test_private_addresses_are_not_even_when_they_are_wrapped(address: str) -> None:
    assert not is_public(address)
