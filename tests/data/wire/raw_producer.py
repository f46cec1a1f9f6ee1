"""A ProduceRequest over a socket, by the protocol guide: what no client library sends reaches the broker."""

import socket
import struct
from types import TracebackType
from typing import Self

_PRODUCE, _VERSION = 0, 7
_TIMEOUT_MS = 10_000


class RawProducer:
    """One connection to a broker; use as a context manager."""

    def __init__(self, bootstrap: str) -> None:
        host, _, port = bootstrap.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=20)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def produce(self, topic: str, partition: int, batch: bytes) -> tuple[int, int]:
        """Return Kafka's error code, 0 where it took the batch, and the offset that it gave it."""
        name = _text(topic)
        records = struct.pack(">i", len(batch)) + batch
        body = (
            struct.pack(">hhih", _PRODUCE, _VERSION, 1, -1)
            + struct.pack(">hhi", -1, -1, _TIMEOUT_MS)
            + struct.pack(">i", 1) + name + struct.pack(">ii", 1, partition) + records
        )  # fmt: skip
        self._socket.sendall(struct.pack(">i", len(body)) + body)
        answer = self._exactly(struct.unpack(">i", self._exactly(4))[0])
        code, offset = struct.unpack_from(">hq", answer, 4 + 4 + len(name) + 4 + 4)
        return code, offset

    def _exactly(self, length: int) -> bytes:
        found = bytearray()
        while len(found) < length:
            more = self._socket.recv(length - len(found))
            if not more:
                raise ConnectionError("the broker has closed the connection")
            found += more
        return bytes(found)


def _text(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()
