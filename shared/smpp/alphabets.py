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
_MESSAGE_CLASS = 0xF0
"""From here on the value is one of GSM 03.38: bit 2 says whether the bytes are of the default alphabet."""
_CLASS_OF_BYTES = 0x04
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
    codec = None if _is_gsm_by_another_name(data_coding, data) else _CODECS.get(data_coding)
    if codec is None and data_coding >= _MESSAGE_CLASS and data_coding & _CLASS_OF_BYTES:
        codec = "latin-1"
    if codec == "utf_16_be":
        data = data[: len(data) & ~1]
    if codec is None and (default == "gsm" or data_coding == _IA5):
        return str(_GSM.decode(data, "replace")[0])
    return data.decode(codec or "latin-1", errors="replace")


def _is_gsm_by_another_name(data_coding: int, data: bytes) -> bool:
    """Say whether bytes that say IA5 are of the GSM alphabet: a library of SMSCs, node-smpp, writes it so."""
    return data_coding == _IA5 and not _NEVER_IN_TEXT.isdisjoint(data)
