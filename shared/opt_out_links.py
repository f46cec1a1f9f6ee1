"""Opt-out links: the place for one in a message's text, and the token that it ends with.

A token names a message and says nothing about it: 11 base62 characters (65.5 bits) of HMAC-SHA256 under a key that only
the sender has. It is the same whenever it is computed again. The remainder of its value is the partition of the phone,
so that whoever has nothing but the token appends a click where the phone's other events are.
"""

import hashlib
import hmac
import re
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
TOKEN_CHARACTERS = 11
PATTERN = r"^[0-9A-Za-z]{11}$"
_TOKENS = len(_ALPHABET) ** TOKEN_CHARACTERS
_TOKEN = re.compile(PATTERN, re.ASCII)
_PLACEHOLDER = re.compile(r"\{\{\s*opt_out_link\s*\}\}|(?:https?://)?\bstopmsg\.me/x{5}\b", re.IGNORECASE)
"""Ours, and ClickSend's."""


_URL = re.compile(r"https://[a-z0-9.-]+(:[0-9]+)?|http://(127\.0\.0\.1|localhost)(:[0-9]+)?")


def _link_url(url: str | None) -> str | None:
    if url is not None and not _URL.fullmatch(url):
        raise ValueError("it must be https:// and a host, with nothing after it: links end with 12 characters of ours")
    return url


LinkUrl = Annotated[str | None, AfterValidator(_link_url), BeforeValidator(lambda url: url or None)]
"""The address that opt-out links begin with, such as `https://o.example`; None: there are no links."""


def has_placeholder(body: str) -> bool:
    """Say whether a text has a place for an opt-out link."""
    return _PLACEHOLDER.search(body) is not None


def with_link(body: str, base_url: str, token: str) -> str:
    """Return the text with the link in each of its places."""
    link = link_of(base_url, token)
    return _PLACEHOLDER.sub(lambda _: link, body)


def link_of(base_url: str, token: str) -> str:
    """Return the link of a token: 12 characters after the host."""
    return f"{base_url}/{token}"


@lru_cache(maxsize=2_048)  # a message's is announced, and then written into its text
def link_token(link_key: str, account_id: str, message_id: str, partition: int, partitions: int) -> str:
    """Return the token of a message to a phone of `partition`."""
    message = f"opt-out-link|{account_id}|{message_id}".encode()
    digest = hmac.new(link_key.encode(), message, hashlib.sha256).digest()
    # Of 256 bits: no value is noticeably more likely than another.
    return _text(int.from_bytes(digest) % (_TOKENS // partitions) * partitions + partition)


def is_token(text: str) -> bool:
    """Say whether a text has the form of a token."""
    return _TOKEN.fullmatch(text) is not None


def partition_of_token(token: str, partitions: int) -> int:
    """Return the partition of the phone that a token's message was sent to."""
    value = 0
    for character in token:
        value = value * len(_ALPHABET) + _VALUES[character]
    return value % partitions


def _text(value: int) -> str:
    characters = []
    for _ in range(TOKEN_CHARACTERS):
        value, remainder = divmod(value, len(_ALPHABET))
        characters.append(_ALPHABET[remainder])
    return "".join(reversed(characters))
