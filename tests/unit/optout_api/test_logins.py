"""Wrong logins come slower and slower, and no account is locked out by whoever guesses at its keys."""

from hypothesis import given
from hypothesis import strategies as st

from services.optout.api.logins import ATTACKED_FAILURES, CAPACITY, SECONDS_PER_TOKEN, Logins


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def tried(logins: Logins, address: str, account: str = "acme", proof: bytes = b"wrong") -> bool:
    """Try a wrong login; say whether it was looked at."""
    if logins.wait_seconds(address, proof):
        return False
    logins.wrong(address, account)
    return True


def test_an_address_has_a_limited_number_of_wrong_logins_and_then_one_in_a_while() -> None:
    clock = Clock()
    logins = Logins(clock)
    assert [tried(logins, "192.0.2.1") for _ in range(15)].count(True) == CAPACITY
    for _ in range(5):
        wait = logins.wait_seconds("192.0.2.1", b"wrong")
        assert 0 < wait <= SECONDS_PER_TOKEN
        clock.now += wait
        assert tried(logins, "192.0.2.1")
        assert not tried(logins, "192.0.2.1")


def test_other_addresses_are_looked_at_while_an_account_is_attacked_but_sooner_slowed_down() -> None:
    logins = Logins(Clock())
    for each in range(200):
        while tried(logins, f"192.0.2.{each}"):
            pass
    assert logins.wait_seconds("198.51.100.1", b"right, never seen before") == 0
    assert [tried(logins, "198.51.100.1") for _ in range(9)].count(True) == 2
    assert [tried(logins, "198.51.100.2", "other") for _ in range(12)].count(True) == CAPACITY


def test_a_key_that_was_right_is_looked_at_from_the_attackers_address_too() -> None:
    logins = Logins(Clock())
    logins.right(b"right")
    while tried(logins, "192.0.2.1"):
        pass
    assert logins.wait_seconds("192.0.2.1", b"right") == 0
    assert logins.wait_seconds("192.0.2.1", b"wrong") > 0


def test_an_ipv6_network_is_one_client_and_a_mapped_address_is_its_ipv4_address() -> None:
    logins = Logins(Clock())
    assert [tried(logins, f"2001:db8::{each:x}") for each in range(20)].count(True) == CAPACITY
    assert tried(logins, "2001:db8:0:1::1")
    assert [tried(logins, "192.0.2.1") for _ in range(20)].count(True) == CAPACITY
    assert not tried(logins, "::ffff:192.0.2.1")
    assert tried(logins, "not an address")


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 3), st.floats(0, 30)), max_size=200))
def test_nobody_waits_longer_than_a_token_takes(tries: list[tuple[int, int, float]]) -> None:
    clock = Clock()
    logins = Logins(clock)
    for address, account, pause in tries:
        clock.now += pause
        tried(logins, str(address), str(account))
        assert 0 <= logins.wait_seconds(str(address), b"") <= SECONDS_PER_TOKEN


def test_what_is_kept_has_a_limit() -> None:
    logins = Logins(Clock())
    for each in range(10_050):
        logins.wrong(f"address-{each}", f"account-{each}")
        logins.right(b"%d" % each)
    assert {len(logins._spent), len(logins._failures), len(logins._right)} == {10_000}
    assert ATTACKED_FAILURES > CAPACITY, "one address alone does not make an account look attacked"
