"""The connection to an SMSC, of which every byte that has not left is known."""

import asyncio
from typing import NamedTuple

from shared.smpp.address import SmppAddress


class SmppConnection(NamedTuple):
    """A connection: what is read and written, and the transport beneath its TLS; without TLS that is the same one.

    Of the bytes that the system has not taken, TLS knows those only that it has not encrypted yet: others wait beneath.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    beneath: asyncio.WriteTransport

    @property
    def unsent_bytes(self) -> int:
        """How many bytes were written and have not been taken by the system."""
        above = self.writer.transport
        own = above.get_write_buffer_size()
        return own if above is self.beneath else own + self.beneath.get_write_buffer_size()


async def connect(address: SmppAddress) -> SmppConnection:
    """Connect to the SMSC.

    Raises:
        OSError: it cannot be reached, or its certificate is not trusted.
    """
    reader, writer = await asyncio.open_connection(address.host, address.port)
    beneath = writer.transport
    context = address.tls_context()
    if context is not None:
        try:
            await writer.start_tls(context, server_hostname=address.host)
        except BaseException:
            beneath.abort()
            raise
    return SmppConnection(reader, writer, beneath)
