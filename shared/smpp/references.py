"""The `user_message_reference` of a message: 16 bits that a receipt brings back (SMPP 3.4, section 5.3.2.17)."""

import hashlib


def reference_of(account_id: str, message_id: str) -> int:
    """Return the reference: the same for the same message, and for one in 65,536 others."""
    digest = hashlib.sha256(f"{account_id}\n{message_id}".encode()).digest()
    return int.from_bytes(digest[:2], "big")
