"""A `deliver_sm` as a report of a gateway: a recipient's message, a part of one, or a receipt. Pure."""

import re
from typing import NamedTuple

from smpp34 import DeliverSm, SmppError, decode

from services.inbound.fields import Fields
from services.inbound.gateways.reported import Report
from services.inbound.gateways.smpp import SmppMessage, SmppReceipt
from services.inbound.responses import WebhookError
from services.inbound.smpp.binds import ReceiverBind
from shared.smpp.alphabets import decoded_text
from shared.smpp.message_ids import compared_id
from shared.smpp.pdus import Command, Pdu, PduError, deliver_from_data
from shared.smpp.tags import Tag

_TYPE_BITS, _HAS_HEADER = 0x3C, 0x40
_RECEIPTS = {0x04, 0x20}
"""Of the type: the SMSC's delivery receipt, and its intermediate notification (SMPP 3.4, section 5.2.12)."""
_INTERNATIONAL = 1
_CONCATENATED_8, _CONCATENATED_16 = 0x00, 0x08
"""The elements of a user data header that say which part of a text it is (3GPP TS 23.040, 9.2.3.24)."""
_WORD_OF_RECEIPT = re.compile(r"\b(id|stat|err):\s*([^\s]{1,65})", re.IGNORECASE)


class _Text(NamedTuple):
    body: str
    part: str | None


def report_of(pdu: Pdu, bind: ReceiverBind) -> Report:
    """Return what a `deliver_sm` or `data_sm` reports.

    Raises:
        WebhookError: it cannot be read.
    """
    delivered = _decoded(pdu)
    parameters = {each.tag: each.value for each in delivered.tlvs}
    text = _text(delivered, parameters, bind)
    kind = delivered.esm_class & _TYPE_BITS
    is_receipt = kind in _RECEIPTS or (Tag.RECEIPTED_MESSAGE_ID in parameters and Tag.MESSAGE_STATE in parameters)
    return (_receipt if is_receipt else _message)(delivered, parameters, text, bind)


def _decoded(pdu: Pdu) -> DeliverSm:
    try:
        body = deliver_from_data(pdu.body) if pdu.command == Command.DATA_SM else pdu.body
        found = decode(Pdu(Command.DELIVER_SM, 0, pdu.sequence, body).encode())
    except (PduError, SmppError) as error:
        raise WebhookError("invalid", f"is not a PDU that can be read: {error}") from None
    if not isinstance(found, DeliverSm):
        raise WebhookError("invalid", "is not a deliver_sm")
    return found


def _message(delivered: DeliverSm, parameters: dict[int, bytes], text: _Text, _: ReceiverBind) -> Report:
    fields: Fields = {
        "writer": _number(delivered.source_addr, delivered.source_addr_ton),
        "to": _number(delivered.destination_addr, delivered.dest_addr_ton),
        "body": text.body,
    }
    if message_id := _string(parameters.get(Tag.RECEIPTED_MESSAGE_ID)):
        fields["message_id"] = message_id
    if text.part is not None:
        fields["part"] = text.part
    return Report(SmppMessage, fields)


def _receipt(delivered: DeliverSm, parameters: dict[int, bytes], text: _Text, bind: ReceiverBind) -> Report:
    """Return the receipt: its source is the recipient."""
    words = {name.lower(): value for name, value in reversed(_WORD_OF_RECEIPT.findall(text.body))}
    state, error = parameters.get(Tag.MESSAGE_STATE), words.get("err") or _network_error(parameters)
    given_id = _string(parameters.get(Tag.RECEIPTED_MESSAGE_ID)) or words.get("id", "")
    fields: Fields = {
        "carrier_message_id": compared_id(given_id, bind.receipt_ids),
        "state": words.get("stat") or ("" if state is None else str(int.from_bytes(state, "big"))),
        "error": "" if error.strip("0") == "" else error,
        "to": _number(delivered.source_addr, delivered.source_addr_ton),
        "sender": _number(delivered.destination_addr, delivered.dest_addr_ton),
    }
    if error in bind.opted_out_errors:
        fields["is_opted_out"] = "true"
    if reference := parameters.get(Tag.USER_MESSAGE_REFERENCE):
        fields["message_reference"] = str(int.from_bytes(reference[:2], "big"))
    return Report(SmppReceipt, fields)


def _number(address: str, ton: int) -> str:
    """Return the number with a plus sign where its type says that it has its country code."""
    is_bare = ton == _INTERNATIONAL and address.isdecimal()
    return f"+{address}" if is_bare else address


def _string(value: bytes | None) -> str:
    return "" if value is None else value.partition(b"\0")[0].decode("ascii", errors="replace").strip()


def _network_error(parameters: dict[int, bytes]) -> str:
    """Return the code after the byte that names the kind of network; empty where there is none."""
    value = parameters.get(Tag.NETWORK_ERROR_CODE, b"")
    return str(int.from_bytes(value[1:3], "big")) if len(value) == 3 else ""  # noqa: PLR2004 (as the standard has it)


def _text(delivered: DeliverSm, parameters: dict[int, bytes], bind: ReceiverBind) -> _Text:
    data = delivered.short_message or parameters.get(Tag.MESSAGE_PAYLOAD, b"")
    part = _part_by_parameters(parameters)
    if delivered.esm_class & _HAS_HEADER and data and data[0] < len(data):  # else it is text that says it has one
        header, data = data[1 : 1 + data[0]], data[1 + data[0] :]
        part = _part_by_header(header) or part
    return _Text(decoded_text(delivered.data_coding, data, bind.default_alphabet), part)


def _part_by_parameters(parameters: dict[int, bytes]) -> str | None:
    tags = (Tag.SAR_SEGMENT_SEQNUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_MSG_REF_NUM)
    number, total, reference = (int.from_bytes(parameters.get(tag, b"")[:2], "big") for tag in tags)
    return f"{number}/{total} of {reference}" if total > 1 else None


def _part_by_header(header: bytes) -> str | None:
    place = 0
    while place + 2 <= len(header):
        element, length = header[place], header[place + 1]
        value = header[place + 2 : place + 2 + length]
        place += 2 + length
        if (element, len(value)) in {(_CONCATENATED_8, 3), (_CONCATENATED_16, 4)}:
            reference, total, number = int.from_bytes(value[:-2], "big"), value[-2], value[-1]
            return f"{number}/{total} of {reference}" if total > 1 else None
    return None
