"""The links of a partition's hash chain: each entry's hash covers the digest of its text and the hash before."""

import hashlib


def link(previous_hash: bytes, text: str) -> bytes:
    """Return the hash of the entry with this text.

    It covers the text by its digest, so that whoever may not see the text can follow the chain past it.
    """
    return hashlib.sha256(previous_hash + hashlib.sha256(text.encode()).digest()).digest()


def follows(hashed: bytes, previous_hash: bytes, text: str) -> bool:
    """Say whether an entry's hash follows from its text; entries of before version 2 of the chain are hashed directly.

    One formula cannot be taken for the other: no entry's text has the 32 bytes of a digest.
    """
    return hashed in (link(previous_hash, text), hashlib.sha256(previous_hash + text.encode()).digest())
