"""A message as a `submit_sm`: one PDU whatever its length, so that it is accepted or refused as a whole."""

from typing import NamedTuple

from smpp34 import SmppError, SubmitSm, Tlv

from services.sender.carriers.smpp import SmppSettings
from shared.events.outbound import MessageRequested
from shared.phones.event_fields import SHORT_CODE
from shared.segments import segments_of
from shared.smpp.alphabets import encoded_text
from shared.smpp.pdus import encoded_body
from shared.smpp.references import reference_of
from shared.smpp.tags import Tag

_INTERNATIONAL, _ALPHANUMERIC = 1, 5
_ISDN, _UNKNOWN_PLAN = 1, 0
_RECEIPT_WANTED = 1
_MOST_SENDER_CHARACTERS = 20


class UnsendableError(Exception):
    """The message cannot be written as this SMSC takes it; the text says what to do."""


class Party(NamedTuple):
    """A sender or recipient: the type of number, its numbering plan, and the address."""

    ton: int
    npi: int
    address: str


def submit_body(settings: SmppSettings, request: MessageRequested) -> bytes:
    """Return the body of the message's PDU.

    Raises:
        UnsendableError: it is too long, or its sender number is nothing that SMPP carries.
    """
    segments = segments_of(request.body)
    if segments.number > settings.smpp_max_segments:
        raise UnsendableError(
            f"the message has {segments.number} segments; this SMSC takes {settings.smpp_max_segments}"
            " (STOPLINE_SMPP_MAX_SEGMENTS): shorten it"
        )
    source = party_of(settings, request.sender_number)
    data_coding, data = encoded_text(request.body, settings.smpp_default_alphabet)
    is_long = segments.number > 1
    reference = reference_of(request.account_id, request.message_id).to_bytes(2, "big")
    tlvs = [Tlv(Tag.USER_MESSAGE_REFERENCE, reference), *([Tlv(Tag.MESSAGE_PAYLOAD, data)] if is_long else [])]
    try:
        pdu = SubmitSm(
            source.address,
            request.phone.removeprefix("+"),
            b"" if is_long else data,
            service_type=settings.smpp_service_type,
            source_addr_ton=source.ton,
            source_addr_npi=source.npi,
            dest_addr_ton=_INTERNATIONAL,
            dest_addr_npi=_ISDN,
            registered_delivery=_RECEIPT_WANTED,
            data_coding=data_coding,
            tlvs=tlvs,
        )
        return encoded_body(pdu.encode())
    except SmppError as error:
        raise UnsendableError(f"the message cannot be written as submit_sm: {error}") from None


def party_of(settings: SmppSettings, sender_number: str) -> Party:
    """Return a sender number as SMPP has it: international, a short code, or alphanumeric.

    Raises:
        UnsendableError: SMPP cannot carry it.
    """
    if sender_number.startswith("+"):
        return Party(_INTERNATIONAL, _ISDN, sender_number.removeprefix("+"))
    if SHORT_CODE.fullmatch(sender_number):
        return Party(settings.smpp_short_code_ton, settings.smpp_short_code_npi, sender_number)
    if not sender_number.isascii() or len(sender_number) > _MOST_SENDER_CHARACTERS:
        raise UnsendableError(
            f"the sender ID {sender_number!r} is not ASCII of up to {_MOST_SENDER_CHARACTERS} characters"
        )
    return Party(_ALPHANUMERIC, _UNKNOWN_PLAN, sender_number)
