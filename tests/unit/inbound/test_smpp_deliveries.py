"""Whatever an SMSC delivers becomes the event that a gateway's webhook would make, or is parked; nothing is lost."""

import random
import struct
from datetime import UTC, datetime
from typing import Any

import pytest
from aiosmpplib import NPI, TON, OptionalParam, PhoneNumber
from aiosmpplib.protocol import DeliverSm
from pydantic import SecretStr

from services.inbound.gateways.reported import events_of
from services.inbound.responses import WebhookError
from services.inbound.smpp.binds import ReceiverBind
from services.inbound.smpp.delivered import report_of
from services.sender.carriers.carrier import Accepted
from services.sender.carriers.smpp_results import result_of_submit
from shared.events.delivery import DeliveryReceiptReceived
from shared.events.inbound import CarrierBlocked, MessageReceived
from shared.smpp.message_ids import WrittenAs
from shared.smpp.pdus import Command, Pdu

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
BIND = ReceiverBind(host="smsc.example", system_id="acme", password=SecretStr("x"), opted_out_errors={"0E1"})
RECEIPT = "id:0123456789 sub:001 dlvrd:001 submit date:2611291159 done date:2611291200 stat:{} err:{} text:Sale. Reply"


def tlv(tag: int, value: bytes) -> bytes:
    return struct.pack(">HH", tag, len(value)) + value


def delivered(  # noqa: PLR0913 (the fields of a deliver_sm)
    sm: bytes = b"STOP",
    *,
    source: tuple[int, bytes] = (1, b"14155550100"),
    to: tuple[int, bytes] = (1, b"18335550123"),
    esm_class: int = 0,
    coding: int = 0,
    tlvs: bytes = b"",
) -> Pdu:
    addresses = b"\0" + b"".join(bytes((ton, 1)) + address + b"\0" for ton, address in (source, to))
    flags = bytes((esm_class, 0, 0, 0, 0, 0, 0, coding, 0, len(sm)))
    return Pdu(Command.DELIVER_SM, 0, 7, addresses + flags + sm + tlvs)


def from_data(pdu: Pdu) -> Pdu:
    """Return the same message as a data_sm, whose text is in a parameter."""
    place = pdu.body.index(b"18335550123\0") + len(b"18335550123\0")
    flags, sm = pdu.body[place : place + 10], pdu.body[place + 10 :]
    return Pdu(Command.DATA_SM, 0, 7, pdu.body[:place] + bytes((flags[0], 0, flags[7])) + tlv(0x424, sm))


def events(pdu: Pdu, bind: ReceiverBind = BIND) -> list[Any]:
    found = list(events_of(report_of(pdu, bind), "acme", NOW, {}))
    assert not [each for each in found if isinstance(each, WebhookError)]
    return found


def message(pdu: Pdu, bind: ReceiverBind = BIND) -> MessageReceived:
    [found] = events(pdu, bind)
    assert isinstance(found, MessageReceived)
    return found


def receipt(pdu: Pdu, bind: ReceiverBind = BIND) -> DeliveryReceiptReceived:
    found = events(pdu, bind)[0]
    assert isinstance(found, DeliveryReceiptReceived)
    return found


def test_a_message_has_its_writer_its_number_and_its_text() -> None:
    found = message(delivered())
    assert (found.gateway, found.account_id, found.phone) == ("smpp", "acme", "+14155550100")
    assert (found.sender_number, found.body, found.sent_at, found.part) == ("+18335550123", "STOP", None, None)


@pytest.mark.parametrize(
    ("coding", "sm", "text"),
    [
        (0, b"STOP", "STOP"),
        (0, b"\x00 \x1b\x65 \x11", "@ € _"),
        (1, b"STOP @", "STOP @"),
        (1, b"STOP \x1b\x65 \x00", "STOP € @"),
        (3, b"ARR\xcaT", "ARRÊT"),
        (4, b"STOP", "STOP"),
        (8, "СТОП 👋".encode("utf_16_be"), "СТОП 👋"),
        (8, "СТОП".encode("utf_16_be") + b"\x04", "СТОП"),
        (8, b"\xd8\x3d\x00S", "\ufffdS"),
        (6, "СТОП".encode("iso8859_5"), "СТОП"),
        (7, "הסר".encode("iso8859_8"), "הסר"),
        (0x10, b"STOP", "STOP"),
        (0xF0, b"STOP", "STOP"),
        (0xF5, b"STOP", "STOP"),
        (8, b"\xff\xfe" + "STOP".encode("utf_16_le"), "STOP"),
        (8, b"\xfe\xff" + "STOP".encode("utf_16_be"), "STOP"),
        (8, "STOP".encode("utf_16_le"), "STOP"),
        (8, "停止".encode("utf_16_be"), "停止"),
        (0x18, "СТОП".encode("utf_16_be"), "СТОП"),
        (0x14, b"ARR\xcaT", "ARRÊT"),
        (0xE0, "СТОП".encode("utf_16_be"), "СТОП"),
        (0, "STOP".encode("utf_16_be"), "STOP"),
        (3, "STOP".encode("utf_16_be"), "STOP"),
        (0, "ARRÊT".encode(), "ARRÊT"),
        (0, b"ARR\xcaT", "ARRÊT"),
        (0, b"a@\x00\x00\x00b", "a¡@@@b"),
        (0, b"", ""),
    ],
)
def test_a_text_is_read_in_the_alphabet_that_it_names(coding: int, sm: bytes, text: str) -> None:
    assert message(delivered(sm, coding=coding)).body == text


def test_an_smsc_of_latin_1_is_read_as_one() -> None:
    bind = BIND.model_copy(update={"default_alphabet": "latin-1"})
    assert message(delivered(b"ARR\xcaT"), bind).body == "ARRÊT"


@pytest.mark.parametrize(
    ("source", "phone"),
    [((1, b"14155550100"), "+14155550100"), ((0, b"14155550100"), "+14155550100"), ((2, b"4155550100"), "+14155550100"),
     ((77, b"14155550100"), "+14155550100"), ((1, b"+14155550100"), "+14155550100"),
     ((0, b"0014155550100"), "+14155550100")],
)  # fmt: skip
def test_every_spelling_of_a_number_is_the_same_recipient(source: tuple[int, bytes], phone: str) -> None:
    assert message(delivered(source=source)).phone == phone


@pytest.mark.parametrize(
    ("to", "sender_number"),
    [((1, b"18335550123"), "+18335550123"), ((0, b"18335550123"), "+18335550123"), ((3, b"72345"), "72345"),
     ((0, b""), None), ((5, b"ACME"), "ACME")],
)  # fmt: skip
def test_the_number_that_was_answered_is_the_sender_number(to: tuple[int, bytes], sender_number: str | None) -> None:
    assert message(delivered(to=to)).sender_number == sender_number


def test_a_long_text_in_one_parameter_is_one_message() -> None:
    assert message(delivered(b"", tlvs=tlv(0x424, b"STOP " * 60))).body == "STOP " * 60


@pytest.mark.parametrize(
    ("pdu", "part"),
    [
        (delivered(b"\5\0\3\xad\2\1STOP", esm_class=0x40), "1/2 of 173"),
        (delivered(b"\6\x08\4\1\0\3\2STOP", esm_class=0x40), "2/3 of 256"),
        (delivered(b"\x0a\x05\3\0\0\0\0\3\xad\2\2STOP", esm_class=0x40), "2/2 of 173"),
        (delivered(b"\5\0\3\xad\1\1STOP", esm_class=0x40), None),
        (delivered(b"\0STOP", esm_class=0x40), None),
        (delivered(b"STOP", esm_class=0x40), None),
        (delivered(tlvs=tlv(0x20C, b"\1\0" * 99) + tlv(0x20E, b"\0\3" * 99) + tlv(0x20F, b"\0\2")), "2/3 of 256"),
        (delivered(tlvs=tlv(0x20C, b"\1\0") + tlv(0x20E, b"\3") + tlv(0x20F, b"\2")), "2/3 of 256"),
        (delivered(b"", esm_class=0x40, tlvs=tlv(0x424, b"\5\0\3\xad\2\1STOP")), "1/2 of 173"),
    ],
)
def test_a_part_of_a_text_says_so(pdu: Pdu, part: str | None) -> None:
    found = message(pdu)
    assert (found.body.lstrip("\x04"), found.part) == ("STOP", part)


def test_a_data_sm_is_the_same_message() -> None:
    assert message(from_data(delivered())).model_dump(exclude={"event_id"}) == message(delivered()).model_dump(
        exclude={"event_id"}
    )


def test_without_an_id_each_delivery_is_its_own_and_with_one_a_repetition_is_the_same_event() -> None:
    assert message(delivered()).event_id != message(delivered()).event_id
    named = delivered(tlvs=tlv(0x1E, b"mo-1\0"))
    assert message(named).event_id == message(named).event_id
    assert message(named).gateway_message_id == "mo-1"


@pytest.mark.parametrize(
    ("state", "error", "status"),
    [("DELIVRD", "000", "delivered"), ("delivrd", "000", "delivered"), ("EXPIRED", "001", "failed"),
     ("UNDELIV", "0E1", "failed"), ("REJECTD", "045", "failed"), ("DELETED", "000", "failed"),
     ("ACCEPTD", "000", "pending"), ("ENROUTE", "000", "pending"), ("UNKNOWN", "000", "pending"),
     ("SOMETHING", "000", "pending")],
)  # fmt: skip
def test_a_receipt_by_its_text(state: str, error: str, status: str) -> None:
    found = receipt(delivered(RECEIPT.format(state, error).encode(), esm_class=0x04))
    assert (found.carrier_message_id, found.phone, found.status) == ("0123456789", "+14155550100", status)
    assert found.gateway_status == (state if error == "000" else f"{state} err:{error}")


@pytest.mark.parametrize(("esm_class", "state", "status"), [(4, 2, "delivered"), (4, 5, "failed"), (0x20, 1, "pending"),
                                                           (0, 2, "delivered"), (4, 99, "pending")])  # fmt: skip
def test_a_receipt_by_its_parameters(esm_class: int, state: int, status: str) -> None:
    parameters = tlv(0x1E, b"abc-1\0") + tlv(0x427, bytes((state,))) + tlv(0x423, b"\3\0\x11")
    found = receipt(delivered(b"", esm_class=esm_class, tlvs=parameters))
    assert (found.carrier_message_id, found.status, found.gateway_status) == ("abc-1", status, f"{state} err:17")


@pytest.mark.parametrize(
    ("in_response", "responses", "in_receipt", "receipts"),
    [
        ("75BCD15", "hexadecimal", "0123456789", "decimal"),
        ("0x075bcd15", "hexadecimal", "123456789", "decimal"),
        ("0123456789", "decimal", "75bcd15", "hexadecimal"),
        ("075BCD15", "hexadecimal", "75bcd15", "hexadecimal"),
        ("msg-75", "hexadecimal", "msg-75", "decimal"),
        ("75BCD15", "text", "75BCD15", "text"),
    ],
)
def test_an_id_is_the_same_however_response_and_receipt_write_it(
    in_response: str, responses: WrittenAs, in_receipt: str, receipts: WrittenAs
) -> None:
    submitted = Pdu(Command.SUBMIT_SM | 0x80000000, 0, 7, in_response.encode() + b"\0")
    accepted = result_of_submit(submitted, message_ids=responses)
    assert isinstance(accepted, Accepted)
    text = RECEIPT.format("DELIVRD", "000").replace("0123456789", in_receipt)
    bind = BIND.model_copy(update={"receipt_ids": receipts})
    assert receipt(delivered(text.encode(), esm_class=0x04), bind).carrier_message_id == accepted.carrier_message_id


def test_a_receipt_of_another_library_is_understood() -> None:
    sent = DeliverSm(
        short_message=RECEIPT.format("DELIVRD", "000"),
        source=PhoneNumber("14155550100", TON.INTERNATIONAL, NPI.ISDN),
        destination=PhoneNumber("72345", TON.NETWORK_SPECIFIC, NPI.ISDN),
        esm_class=4,
        optional_params=[OptionalParam(0x1E, "0123456789")],
    )
    found = receipt(Pdu(Command.DELIVER_SM, 0, 1, sent.pdu()[16:]))
    assert (found.carrier_message_id, found.status, found.phone) == ("0123456789", "delivered", "+14155550100")


def test_a_receipt_that_is_repeated_is_the_same_event() -> None:
    pdu = delivered(RECEIPT.format("DELIVRD", "000").encode(), esm_class=0x04)
    assert receipt(pdu).event_id == receipt(pdu).event_id


def test_an_error_that_the_settings_name_is_a_block_of_the_carriers() -> None:
    found = events(delivered(RECEIPT.format("UNDELIV", "0E1").encode(), esm_class=0x04))
    block = found[1]
    assert isinstance(block, CarrierBlocked)
    assert (found[0].block_code, block.code, block.sender_numbers) == ("0E1", "0E1", ("+18335550123",))
    assert len(events(delivered(RECEIPT.format("DELIVRD", "0E1").encode(), esm_class=0x04))) == 1


def test_a_person_who_writes_like_a_receipt_is_a_person() -> None:
    assert message(delivered(RECEIPT.format("DELIVRD", "000").encode())).body.startswith("id:0123456789")


@pytest.mark.parametrize(
    "pdu",
    [
        Pdu(Command.DELIVER_SM, 0, 1),
        Pdu(Command.DELIVER_SM, 0, 1, b"\0" * 5),
        Pdu(Command.DATA_SM, 0, 1, b"\0" * 5),
        Pdu(Command.DATA_SM, 0, 1, b"no end"),
        delivered(source=(5, b"BANK")),
        delivered(source=(1, b"")),
        delivered(b"no id stat:DELIVRD", esm_class=4),
    ],
)
def test_a_delivery_that_says_nothing_is_an_error_with_words(pdu: Pdu) -> None:
    try:
        found: list[object] = list(events_of(report_of(pdu, BIND), "acme", NOW, {}))
    except WebhookError as error:
        found = [error]
    assert [type(each) for each in found] == [WebhookError]


def test_no_bytes_are_anything_but_events_or_an_error() -> None:
    chance = random.Random(1)  # noqa: S311
    seeds = [delivered(), delivered(b"\5\0\3\xad\2\1STOP", esm_class=0x40, tlvs=tlv(0x424, b"x") + tlv(0x20C, b"")),
             from_data(delivered()), delivered(RECEIPT.encode(), esm_class=4, tlvs=tlv(0x423, b"\3"))]  # fmt: skip
    for _ in range(3_000):
        seed = chance.choice(seeds)
        body = bytearray(seed.body)
        for _ in range(chance.randint(1, 4)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        pdu = seed._replace(body=bytes(body[: chance.randint(0, len(body))]))
        try:
            list(events_of(report_of(pdu, BIND), "acme", NOW, {}))
        except WebhookError:
            continue
