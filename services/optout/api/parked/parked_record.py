"""A record of `parked-messages` as an operator sees it, and whether it can be replayed; pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from shared.consumer import Polled
from shared.events.codec import Headers
from shared.parked_records import FLOOD, ORIGINAL_HEADER_PREFIX
from shared.partitions import partition_of
from shared.producer import OutgoingRecord
from shared.topics import INBOUND_MESSAGES, OUTBOUND_MESSAGES

REPLAYED_TO = (INBOUND_MESSAGES, OUTBOUND_MESSAGES)
"""The topics that the customer API writes to anyway: replaying gives it no further right."""
_MAX_DIGITS = 10
_NAME_CHARACTERS = 100
_CUT = ("parked_key_cut_to_bytes", "parked_value_cut_to_bytes", "parked_headers_cut")


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """A parked record: its place in `parked-messages`, its headers as text, the original's headers, key and value."""

    position: int
    headers: Mapping[str, str]
    original_headers: Headers
    key: bytes | None
    value: bytes | None

    @classmethod
    def of(cls, record: Polled) -> "ParkedRecord":
        """Return what a record of the topic says; any client may have written it, so that anything may be missing."""
        own, original = {}, []
        for name, content in record.headers:
            if name.startswith(ORIGINAL_HEADER_PREFIX):
                original.append((name.removeprefix(ORIGINAL_HEADER_PREFIX), content or b""))
            else:
                own[name] = (content or b"").decode(errors="replace")
        return cls(int(record.offset), own, original, record.key, record.value)

    @property
    def parked_id(self) -> str:
        """The id of the record; one that was parked twice has one."""
        return self.headers.get("parked_id") or f"offset-{self.position}"

    @property
    def settled_id(self) -> str:
        """The id that operators' decisions about it are kept under: its own, and a hash of its bytes.

        The id follows from a place in Kafka. Where a topic was recreated, as after a disaster, offsets start at zero:
        what is parked then is not what was dropped before, nor is what somebody writes under another's id.
        """
        digest = hashlib.sha256()
        for part in (self.topic.encode(), self.key or b"", self.value or b""):
            digest.update(len(part).to_bytes(8, "big") + part)
        name = self.parked_id.replace("\0", "\ufffd")[:_NAME_CHARACTERS]
        return f"{name} {digest.hexdigest()}"

    @property
    def topic(self) -> str:
        return self.headers.get("original_topic", "")

    def why_not_replayed(self) -> str | None:
        """Return why it cannot be replayed; None: it can."""
        headers = self.headers
        if headers.get("webhook_gateway"):
            return "it is a webhook: have the gateway send it again, once what is wrong with it is corrected"
        if headers.get("parked_reason") == FLOOD:
            return "it is the summary of several records, which are still in their topic"
        if self.topic not in REPLAYED_TO:
            return f"records of {self.topic or 'an unknown topic'} are not replayed, only those of {_named()}"
        if any(name in headers for name in _CUT) or headers.get("original_last_offset"):
            return "it is not whole: a part of it was cut, or could not be read from Kafka"
        return None

    def replayed(self, partitions: int) -> tuple[str, int, OutgoingRecord]:
        """Return topic, partition and record of a replay: on the partition of its key, else where it came from."""
        was_null = self.headers.get("original_value_is_null") == "true" and self.key is not None
        record = OutgoingRecord(self.key, None if was_null else self.value, self.original_headers)
        return self.topic, self._partition(partitions), record

    def _partition(self, partitions: int) -> int:
        if self.key is not None:
            return partition_of(self.key.decode(errors="replace"), partitions)
        original = self.headers.get("original_partition", "")
        is_number = original.isascii() and original.isdecimal() and len(original) <= _MAX_DIGITS
        return int(original) % partitions if is_number else 0


def _named() -> str:
    return " and ".join(REPLAYED_TO)
