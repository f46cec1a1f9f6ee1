"""A link's token: stable for a message, on the partition of its phone, and nothing to be read or guessed from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.opt_out_links import has_placeholder, is_token, link_of, link_token, partition_of_token, with_link

KEY = "a-key-of-links-in-unit-tests"
message_ids = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=128)


@given(message_ids, st.integers(1, 1000).flatmap(lambda count: st.tuples(st.integers(0, count - 1), st.just(count))))
def test_a_token_leads_to_the_partition_of_its_phone(message_id: str, place: tuple[int, int]) -> None:
    partition, partitions = place
    token = link_token(KEY, "shop", message_id, partition, partitions)
    assert is_token(token)
    assert partition_of_token(token, partitions) == partition
    assert token == link_token(KEY, "shop", message_id, partition, partitions)


def test_tokens_differ_by_account_message_and_key() -> None:
    tokens = {
        link_token(key, account_id, message_id, 3, 6)
        for key in (KEY, "another-key-of-links-in-unit-tests")
        for account_id in ("shop", "bank")
        for message_id in ("m-1", "m-2")
    }
    assert len(tokens) == 8


def test_a_token_has_more_than_64_bits_and_a_link_12_characters_after_its_host() -> None:
    assert 62**11 > 2**65
    token = link_token(KEY, "shop", "m-1", 0, 1)
    assert link_of("https://l.example", token) == f"https://l.example/{token}"
    assert len(f"/{token}") == 12


@pytest.mark.parametrize("text", ["", "a" * 10, "a" * 12, "a" * 10 + "-", "a" * 10 + "\n", "ä" * 11, "٣" * 11])
def test_anything_else_is_not_a_token(text: str) -> None:
    assert not is_token(text)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Sale! Opt out: {{opt_out_link}}", "Sale! Opt out: https://l.example/0123456789A"),
        ("{{ Opt_Out_Link }} ends it", "https://l.example/0123456789A ends it"),
        ("Stop: StopMsg.me/xxxxx.", "Stop: https://l.example/0123456789A."),
        ("Stop: https://stopmsg.me/XXXXX", "Stop: https://l.example/0123456789A"),
        ("{{opt_out_link}} or StopMsg.me/xxxxx", "https://l.example/0123456789A or https://l.example/0123456789A"),
    ],
)
def test_each_placeholder_becomes_the_link(body: str, expected: str) -> None:
    assert has_placeholder(body)
    assert with_link(body, "https://l.example", "0123456789A") == expected


@pytest.mark.parametrize("body", ["", "opt_out_link", "{opt_out_link}", "stopmsg.me/abcde", "notstopmsg.me/xxxxx"])
def test_other_text_has_no_placeholder(body: str) -> None:
    assert not has_placeholder(body)
    assert with_link(body, "https://l.example", "0123456789A") == body
