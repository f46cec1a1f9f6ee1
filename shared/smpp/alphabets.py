"""Texts as SMPP carries them: an alphabet, named by `data_coding`, and the bytes (SMPP 3.4, section 5.2.19).

What `data_coding` 0 stands for is the SMSC's affair: nearly always the GSM alphabet, a character to a byte, at some
Latin 1.
"""

from typing import Literal, NamedTuple

from gsm0338 import Codec

from shared.segments import segments_of

DefaultAlphabet = Literal["gsm", "latin-1"]
_DEFAULT, _IA5, _UCS2 = 0x00, 0x01, 0x08
_CODECS = {
    0x01: "latin-1",  # IA5, of which Latin 1 is more: no byte of a STOP may be lost to a wrong name
    0x02: "latin-1",
    0x03: "latin-1",
    0x04: "latin-1",
    0x05: "shift_jis",
    0x06: "iso8859_5",
    0x07: "iso8859_8",
    0x08: "utf_16_be",
    0x0A: "iso2022_jp",
    0x0D: "iso2022_jp_ext",
    0x0E: "euc_kr",
}
_GSM = Codec()
_UTF_16_BE = "utf_16_be"
_LITTLE_ENDIAN_MARK = b"\xff\xfe"
_LEAST_PATTERN_BYTES = 6
_NEVER_IN_TEXT = frozenset(range(0x20)) - frozenset(b"\t\n\r")
"""Of ASCII; in the GSM alphabet they are letters, and the escape to the extension table."""


class EncodedText(NamedTuple):
    """A text in an alphabet."""

    data_coding: int
    data: bytes


def encoded_text(text: str, default: DefaultAlphabet) -> EncodedText:
    """Return the text in the SMSC's default alphabet where that has all of it, else in UCS-2."""
    try:
        if default == "latin-1":
            return EncodedText(_DEFAULT, text.encode("latin-1"))
        if segments_of(text).encoding == "gsm7":
            return EncodedText(_DEFAULT, _GSM.encode(text)[0])
    except UnicodeEncodeError:
        pass
    return EncodedText(_UCS2, text.encode("utf_16_be", errors="replace"))


def decoded_text(data_coding: int, data: bytes, default: DefaultAlphabet) -> str:
    """Return the text of bytes that came; what cannot be read is replaced, so that the rest is heard."""
    codec = _codec_of(data_coding, data)
    if codec == _UTF_16_BE:
        return _from_ucs2(data, "utf_16_le" if _is_little_endian(data) else _UTF_16_BE)
    if _is_ascii_of_two_bytes(data[1::2], data[::2]):
        return _from_ucs2(data, _UTF_16_BE)  # by another name: no other alphabet has a NUL before each character
    if codec is None and (default == "gsm" or data_coding == _IA5):
        return str(_GSM.decode(data, "replace")[0]) if data.isascii() else _not_gsm(data)
    return data.decode(codec or "latin-1", errors="replace")


def _codec_of(data_coding: int, data: bytes) -> str | None:
    """Return the codec that the value names; None: the default alphabet."""
    if data_coding in _CODECS:
        return None if _is_gsm_by_another_name(data_coding, data) else _CODECS[data_coding]
    # The data coding scheme of a phone, as some SMSCs leave it: 3GPP TS 23.038, section 4.
    group, alphabet = data_coding & 0xF0, data_coding & 0x0C
    if group in {0x10, 0x20, 0x30}:
        return {0x04: "latin-1", 0x08: _UTF_16_BE}.get(alphabet)
    if group == 0xE0:  # noqa: PLR2004 (a message waits, in UCS-2)
        return _UTF_16_BE
    return "latin-1" if group == 0xF0 and alphabet & 0x04 else None  # noqa: PLR2004 (with a message class)


def _from_ucs2(data: bytes, codec: str) -> str:
    return data[: len(data) & ~1].decode(codec, errors="replace").removeprefix("\ufeff")


def _is_little_endian(data: bytes) -> bool:
    return data.startswith(_LITTLE_ENDIAN_MARK) or _is_ascii_of_two_bytes(data[::2], data[1::2])


def _is_ascii_of_two_bytes(letters: bytes, others: bytes) -> bool:
    """Say whether these are the halves of characters of two bytes that are all ASCII."""
    is_long = len(letters) == len(others) and len(letters) + len(others) >= _LEAST_PATTERN_BYTES
    return is_long and not any(others) and all(letters) and letters.isascii()


def _not_gsm(data: bytes) -> str:
    """Return the text of bytes that the GSM alphabet does not have, whatever the SMSC says."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _is_gsm_by_another_name(data_coding: int, data: bytes) -> bool:
    """Say whether bytes that say IA5 are of the GSM alphabet: a library of SMSCs, node-smpp, writes it so."""
    return data_coding == _IA5 and not _NEVER_IN_TEXT.isdisjoint(data)
