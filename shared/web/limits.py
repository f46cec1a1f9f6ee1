"""Every limit on HTTP connections, in one place."""

from dataclasses import dataclass

from shared.web.addresses import Networks


@dataclass(frozen=True)
class HttpLimits:
    """The limits of one listening port.

    Attributes:
        connections: open at once; above it a connection that waits for its client makes room.
        connections_per_address: the same for one address; 0 where several clients share an address.
        shared_networks: of proxies, which are exempt from the limit per address.
    """

    connections: int = 1_000
    connections_per_address: int = 0
    shared_networks: Networks = ()

    header_bytes: int = 16 * 1024
    """Of a request's line and headers together; its trailers count by themselves."""
    header_fields: int = 100
    url_bytes: int = 8 * 1024
    pipelined_requests: int = 16
    """Waiting while another one is being answered."""

    chunk_overhead_bytes: int = 64 * 1024
    chunk_overhead_factor: int = 16
    """How much the framing of a chunked body may weigh: the bytes above, and this many times the body."""
    unread_body_bytes: int = 32 * 1024 * 1024
    """Of all connections together: received, and not yet asked for by the application."""
    drained_bytes: int = 1024 * 1024
    """So much of a body that nobody asked for is read and thrown away, so that its sender gets to read the answer."""
    unsent_connection_bytes: int = 16 * 1024
    """Of one connection; above it, its application waits with the rest and the next."""
    unsent_bytes: int = 64 * 1024 * 1024
    """Of all connections together: answers that their clients do not take. Above it the oldest is cut off."""

    header_seconds: float = 10.0
    """From the connection, or the answer before, to the end of the next request's headers."""
    idle_seconds: int = 5
    """From an answer to the first byte of the next request."""
    body_seconds: float = 30.0
    """The applications' own deadlines are shorter."""
    drain_seconds: float = 5.0
    write_seconds: float = 30.0
    """A client that takes nothing of its answer for so long is cut off."""
