"""The PDUs of SMPP 3.4: their frames, and the bodies that are little more than a string.

`submit_sm` and `deliver_sm` are coded by the library `smpp34`; its own client answers a `deliver_sm` before anybody has
read it, and decides by itself when to write, which neither G2 nor G1 allows.
"""

import asyncio
import struct
from enum import IntEnum
from typing import NamedTuple

_HEADER = struct.Struct(">LLLL")
HEADER_BYTES = _HEADER.size
MAX_PDU_BYTES = 70_000
"""A `message_payload` has up to 65,535 bytes; nothing that is larger is a PDU."""
_RESPONSE = 0x80000000
MAX_SEQUENCE = 0x7FFFFFFF
INTERFACE_VERSION = 0x34
_NUL = b"\0"
_MAX_ID_BYTES = 65


class Command(IntEnum):
    """The `command_id` of a request, and of `generic_nack`."""

    BIND_RECEIVER = 0x01
    BIND_TRANSMITTER = 0x02
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    ENQUIRE_LINK = 0x15
    ALERT_NOTIFICATION = 0x102
    DATA_SM = 0x103
    GENERIC_NACK = 0x80000000


class PduError(Exception):
    """Bytes that cannot be a PDU: the connection cannot be read any further."""


class Pdu(NamedTuple):
    """A PDU: the fields of its header, and its body."""

    command: int
    status: int
    sequence: int
    body: bytes = b""

    @property
    def is_response(self) -> bool:
        return self.command >= _RESPONSE

    def encode(self) -> bytes:
        length = HEADER_BYTES + len(self.body)
        return _HEADER.pack(length, self.command, self.status, self.sequence) + self.body


def response_to(request: Pdu, status: int = 0, body: bytes = b"") -> Pdu:
    """Return the response to a request; a body only where the request is accepted, or the standard has one."""
    return Pdu(request.command | _RESPONSE, status, request.sequence, body)


def is_answered_by(command: int, response: Pdu) -> bool:
    """Say whether the response is one of the request's kind, or says that the request was not understood."""
    return response.command in (command | _RESPONSE, Command.GENERIC_NACK)


async def read_pdu(reader: asyncio.StreamReader) -> Pdu:
    """Return the next PDU.

    Raises:
        PduError: its length cannot be one.
        asyncio.IncompleteReadError: the connection has ended.
    """
    beginning = await reader.readexactly(HEADER_BYTES)
    length, command, status, sequence = _HEADER.unpack(beginning)
    if not HEADER_BYTES <= length <= MAX_PDU_BYTES:
        raise PduError(f"a PDU of {length} bytes; from {HEADER_BYTES} to {MAX_PDU_BYTES} are possible")
    return Pdu(command, status, sequence, await reader.readexactly(length - HEADER_BYTES))


def bind_body(system_id: str, password: str, system_type: str = "", address_range: str = "") -> bytes:
    """Return the body of a bind; TON and NPI of the address range are left to the SMSC."""
    strings = b"".join(each.encode("ascii") + _NUL for each in (system_id, password, system_type))
    return strings + bytes((INTERFACE_VERSION, 0, 0)) + address_range.encode("ascii") + _NUL


def message_id_of(body: bytes) -> str:
    """Return the `message_id` of a response: up to the first NUL, also where an SMSC has left that out."""
    return body.partition(b"\0")[0][:_MAX_ID_BYTES].decode("ascii", errors="replace").strip()


def deliver_from_data(body: bytes) -> bytes:
    """Return a `data_sm`'s body as that of a `deliver_sm`, which has more fields: some SMSCs deliver by it.

    Raises:
        PduError: it is too short.
    """
    place = 0
    for fixed in (0, 2, 2):  # service_type; TON, NPI and address of the source; the same of the destination
        place = body.find(b"\0", place + fixed) + 1
        if not place:
            raise PduError("a data_sm that ends within its addresses")
    rest = body[place:]
    if len(rest) < 3:  # noqa: PLR2004 (the three below)
        raise PduError("a data_sm without its flags")
    esm_class, registered, coding = rest[:3]
    # protocol, priority; no schedule, no validity; nothing to replace, no canned text, no short_message.
    flags = bytes((esm_class, 0, 0, 0, 0, registered, 0, coding, 0, 0))
    return body[:place] + flags + rest[3:]


def encoded_body(frame: bytes) -> bytes:
    """Return the body of a PDU that the library has encoded; its number in the session is ours to give."""
    return frame[HEADER_BYTES:]
