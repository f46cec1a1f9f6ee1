"""Segments of texts: the sizes that networks count, in tables and for any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.segments import CONCATENATED, SINGLE, segments_of

GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "\f^{}\\[~]|€"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("gsm7", 0, 0)),
        ("a", ("gsm7", 1, 1)),
        ("a" * 160, ("gsm7", 160, 1)),
        ("a" * 161, ("gsm7", 161, 2)),
        ("a" * 306, ("gsm7", 306, 2)),
        ("a" * 307, ("gsm7", 307, 3)),
        ("a" * 1530, ("gsm7", 1530, 10)),
        ("€" * 80, ("gsm7", 160, 1)),
        ("€" * 81, ("gsm7", 162, 2)),
        ("a" * 159 + "€", ("gsm7", 161, 2)),
        # 76 to a segment: the 77th would be divided.
        ("€" * 152, ("gsm7", 304, 2)),
        ("€" * 153, ("gsm7", 306, 3)),
        ("a" * 152 + "[" + "a" * 152, ("gsm7", 306, 3)),
        ("a" * 151 + "[" + "a" * 153, ("gsm7", 306, 2)),
        ("é" * 160, ("gsm7", 160, 1)),
        ("ê", ("ucs2", 1, 1)),
        ("ç" * 70, ("ucs2", 70, 1)),
        ("ç" * 71, ("ucs2", 71, 2)),
        ("ç" * 134, ("ucs2", 134, 2)),
        ("ç" * 135, ("ucs2", 135, 3)),
        ("a" * 69 + "ç", ("ucs2", 70, 1)),
        ("`", ("ucs2", 1, 1)),
        ("“quoted”", ("ucs2", 8, 1)),
        ("😀" * 35, ("ucs2", 70, 1)),
        ("😀" * 36, ("ucs2", 72, 2)),
        # 33 to a segment: 67 is odd.
        ("😀" * 66, ("ucs2", 132, 2)),
        ("😀" * 67, ("ucs2", 134, 3)),
        # In a text of UTF-16 a character of the extension table is like any other.
        ("€" * 69 + "ç", ("ucs2", 70, 1)),
        # Line ends are two characters.
        ("\r\n" * 80, ("gsm7", 160, 1)),
    ],
)
def test_known_texts(text: str, expected: tuple[str, int, int]) -> None:
    assert segments_of(text) == expected


def test_the_whole_alphabet_is_gsm_and_nothing_else_of_latin_is() -> None:
    assert segments_of(GSM).encoding == "gsm7"
    assert len(set(GSM)) == 127
    assert segments_of(GSM).units == len(GSM)
    assert segments_of(EXTENSION) == ("gsm7", 20, 1)
    others = [chr(point) for point in range(0x250) if chr(point) not in GSM + EXTENSION]
    assert {segments_of(character).encoding for character in others} == {"ucs2"}


@given(st.text(alphabet=GSM + EXTENSION, max_size=700))
def test_a_gsm_text_takes_a_unit_a_character_and_two_for_the_extension(text: str) -> None:
    found = segments_of(text)
    assert found.encoding == "gsm7"
    assert found.units == len(text) + sum(text.count(character) for character in EXTENSION)


@given(st.text(max_size=400))
def test_the_segments_hold_the_text_and_none_is_superfluous(text: str) -> None:
    encoding, units, count = segments_of(text)
    if encoding == "ucs2":
        assert units == len(text.encode("utf-16-le", "surrogatepass")) // 2
    if units <= SINGLE[encoding]:
        assert count == (1 if text else 0)
        return
    assert count >= -(-units // CONCATENATED[encoding])
    # A segment wastes a unit at most, and only where the next character takes two.
    assert count <= -(-units // (CONCATENATED[encoding] - 1))


@given(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=50))
def test_a_longer_text_never_takes_fewer_segments(text: str, more: str) -> None:
    assert segments_of(text + more).number >= segments_of(text).number
