"""HTTP/1.1 on one connection: uvicorn's protocol with httptools, and a limit on everything that a client decides."""

import asyncio
from typing import Any, cast

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from shared import metrics
from shared.web import refusals
from shared.web.connections import Connections, Doing
from shared.web.refusals import Refusal
from shared.web.transport import LingeringTransport

_PROGRESS_BYTES = 1024 * 1024
"""A body that grows by so much has its time from then on again: a large file may take longer."""


class RefusedError(Exception):
    """A limit was met while the parser reads; it ends the parser's work on what was received."""


class LimitedProtocol(HttpToolsProtocol):
    """One connection.

    The parser keeps nothing beyond the header that it is reading, so a header is counted as it arrives, and all else
    when it is complete. What was asked before is still answered when something after it is refused.
    """

    def __init__(
        self,
        connections: Connections,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.address = ""
        self._book = connections
        self._limits = connections.limits
        self._outside: LingeringTransport
        self._refusal: Refusal | None = None
        self._in_body = False
        self._requests = 0
        self._header_bytes = 0
        self._fields = 0
        self._body_bytes = 0
        self._framing_bytes = 0
        self._drained_bytes = 0

    @property
    def unread_bytes(self) -> int:
        return len(self.cycle.body) if self._answering() else 0

    @property
    def unsent_bytes(self) -> int:
        return self._outside.get_write_buffer_size()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        transport.set_write_buffer_limits(high=self._limits.unsent_connection_bytes)
        self._outside = LingeringTransport(transport, self._close)
        super().connection_made(cast("asyncio.Transport", self._outside))
        self.address = self.client[0] if self.client else ""
        if not self._book.admit(self):
            self.abort("connections")

    def connection_lost(self, exc: Exception | None) -> None:
        self._book.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refusal is not None or self._outside.lingers:
            self._drain(len(data))
            return
        self._unset_keepalive_if_required()
        began_in_body, body_bytes = self._in_body, self._body_bytes
        self._header_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse(self._refusal or refusals.MALFORMED)
        except httptools.HttpParserUpgrade:
            pass  # to nothing that there is here; the request was taken as it is
        else:
            self._count(len(data), self._body_bytes - body_bytes, began_in_body=began_in_body)

    def _count(self, received: int, body_bytes: int, *, began_in_body: bool) -> None:
        limits = self._limits
        if not self._in_body:
            if self._header_bytes > limits.header_bytes:
                self._refuse(refusals.HEADERS_TOO_LARGE)
        elif began_in_body:
            if self.cycle.response_complete:
                self._drain(received)
            self._framing_bytes += received - body_bytes
            allowed = limits.chunk_overhead_bytes + limits.chunk_overhead_factor * self._body_bytes
            if self._framing_bytes > allowed:
                self._refuse(refusals.TOO_MUCH_FRAMING)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._fields = 0

    def on_url(self, url: bytes) -> None:
        self.url += url
        if len(self.url) > self._limits.url_bytes:
            self._stop(refusals.URL_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        if self._fields > self._limits.header_fields:
            self._stop(refusals.HEADERS_TOO_LARGE)
        if self._in_body:
            return  # a trailer, which nobody asks for
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._header_bytes > self._limits.header_bytes:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self._limits.header_bytes:
                self._stop(refusals.HEADERS_TOO_LARGE)
        if len(self.pipeline) >= self._limits.pipelined_requests:
            self._stop(refusals.TOO_MANY_PIPELINED)
        super().on_headers_complete()
        self._in_body = True
        self._requests += 1
        self._fields = self._body_bytes = self._framing_bytes = self._drained_bytes = 0

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if not self.cycle.response_complete and not self._book.may_keep(len(body)):
            self._stop(refusals.OVERLOADED)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body = False
        self._header_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if self.cycle.response_complete:
            self.cycle.body = bytearray()  # of what nobody asked for
        super().on_response_complete()
        if self._refusal is not None and not self._answering():
            self._write_refusal(self._refusal)

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _stop(self, refusal: Refusal) -> None:
        self._refusal = refusal
        raise RefusedError(refusal.limit)

    def _refuse(self, refusal: Refusal) -> None:
        """End the connection with an answer, after those to what was asked before."""
        self._refusal = refusal
        metrics.CUT_OFF.labels(refusal.limit).inc()
        if not self._answering():
            self._write_refusal(refusal)
        elif self._in_body and not self.cycle.response_started and not self.pipeline:
            self._write_refusal(refusal)
            self._disconnect()
        elif self._in_body:
            self._outside.abort()

    def _write_refusal(self, refusal: Refusal) -> None:
        self._outside.write(refusal.answer)
        self._close()

    def _disconnect(self) -> None:
        """Let the application know that nothing more comes, and that nobody reads its answer."""
        self.cycle.disconnected = True
        self.cycle.message_event.set()

    def _close(self) -> None:
        """Close; where the client still sends, let it read the answer first."""
        if not (self._in_body or self._refusal is not None):
            self._outside.close_now()
        elif not self._outside.lingers:
            self._outside.linger()
            self._outside.resume_reading()

    def _drain(self, received: int) -> None:
        self._drained_bytes += received
        if self._drained_bytes > self._limits.drained_bytes:
            self.abort("drained_bytes")

    def pause_writing(self) -> None:
        super().pause_writing()
        self._book.not_sent(self)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._book.sent(self)

    def doing(self) -> tuple[Doing, int]:
        unsent = self._outside.get_write_buffer_size()
        if unsent:
            return Doing.SENDING, unsent  # less of it is progress
        if self._outside.is_closing():
            return Doing.CLOSING, 0
        if self._answering():
            if self._in_body:
                return Doing.RECEIVING, self._requests + self._body_bytes // _PROGRESS_BYTES
            return Doing.ANSWERING, self._requests
        if self._in_body:
            return Doing.DRAINING, self._requests
        return (Doing.WAITING if self._requests else Doing.NOTHING_YET), self._requests

    def expire(self, doing: Doing) -> None:
        in_header = doing in (Doing.NOTHING_YET, Doing.WAITING) and self._header_bytes
        if in_header or doing is Doing.RECEIVING:
            self._refuse(refusals.TOO_SLOW)
        else:
            self.abort(f"{doing.value}_seconds")

    def abort(self, limit: str) -> None:
        metrics.CUT_OFF.labels(limit).inc()
        self._outside.abort()
