"""An SMSC's ids of messages: some write one id in hexadecimal in the response and in decimal in the receipt."""

import re
from typing import Literal

WrittenAs = Literal["text", "decimal", "hexadecimal"]
"""`text`: an id is compared as it is; else it is a number, and is compared as one."""
_DIGITS = {"decimal": re.compile(r"[0-9]+"), "hexadecimal": re.compile(r"(?:0[xX])?[0-9a-fA-F]+")}
_BASES = {"decimal": 10, "hexadecimal": 16}


def compared_id(given: str, written_as: WrittenAs) -> str:
    """Return an id as it is kept and looked for: a number in plain decimal, any other text unchanged."""
    if written_as == "text" or not _DIGITS[written_as].fullmatch(given):
        return given
    return str(int(given, _BASES[written_as]))
