"""A connection's transport that closes without discarding the answer that its client has not read yet."""

import asyncio
from collections.abc import Callable
from typing import Any


class LingeringTransport:
    """A transport whose `close` leaves it to `on_close` how; everything else is the real one's.

    A socket that is closed while bytes of the request are unread resets the connection, and the reset overtakes the
    answer on its way to the client.
    """

    def __init__(self, transport: asyncio.Transport, on_close: Callable[[], None]) -> None:
        self._transport = transport
        self.close = on_close
        self.lingers = False
        # The real ones, without a call in between: they are used for each request.
        self.write: Callable[[bytes | bytearray | memoryview], None] = transport.write
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.get_write_buffer_size = transport.get_write_buffer_size
        self.abort = transport.abort

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self.lingers or self._transport.is_closing()

    def linger(self) -> None:
        """Send what is written and the end; what still comes is received, for its protocol to throw away."""
        if not self._transport.is_closing():
            self.lingers = True
            self.write = _ignore
            self._transport.write_eof()

    def close_now(self) -> None:
        """Close as soon as what is written is sent."""
        self._transport.close()


def _ignore(_: bytes | bytearray | memoryview) -> None:
    """Take the place of `write` after the end."""
