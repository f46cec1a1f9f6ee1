"""Bytes that anybody may have written are shown as text that can do nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dashboard.pages.raw_bytes import as_hex, as_text


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b'{"type": "x"}\n', '{"type": "x"}\n'),
        (b"\xff\xfe", r"\xff\xfe"),
        (b"\x00\x1b[31m\r", r"\x00\x1b[31m\r"),
        ("caf\u00e9".encode(), "caf\u00e9"),
        ("a\u202eb\u200b\ufeff".encode(), r"a\u202eb\u200b\ufeff"),  # turns the text around, and is not seen
    ],
)
def test_what_cannot_be_seen_is_written_as_an_escape(content: bytes, shown: str) -> None:
    assert as_text(content) == shown


def test_bytes_have_their_offset_and_what_can_be_printed_of_them() -> None:
    assert as_hex(b"GET <b>\x00\xff and a longer line") == (
        "000000  47 45 54 20 3c 62 3e 00 ff 20 61 6e 64 20 61 20  GET <b>.. and a \n"
        "000010  6c 6f 6e 67 65 72 20 6c 69 6e 65                 longer line"
    )
    assert as_hex(b"") == ""


@given(st.binary(max_size=200))
def test_any_bytes_are_shown_without_a_control_character(content: bytes) -> None:
    assert all(each == "\n" or each.isprintable() or each.isspace() for each in as_text(content))
    assert "".join(as_text(content).split("\n")).isprintable() or "\u2028" not in as_text(content)
    assert as_hex(content).isascii()
