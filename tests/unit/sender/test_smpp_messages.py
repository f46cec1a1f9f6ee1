"""A message of any text and sender number is one submit_sm, which an independent reader reads as it was written."""

from typing import Any

import pytest
from aiosmpplib.protocol import SubmitSm
from hypothesis import given
from hypothesis import strategies as st
from smpp_world import asked, bound_to, settings_for, soon
from smsc import BIND_TRANSMITTER, SUBMIT, Smsc, pdu, serving

from services.sender.carriers.carrier import Accepted, Refused
from services.sender.carriers.smpp_submit import UnsendableError, submit_body
from shared.segments import segments_of
from shared.smpp.references import reference_of


async def test_a_message_is_accepted_with_the_smscs_id_after_a_bind_as_transmitter() -> None:
    async with serving(Smsc()) as smsc, bound_to(smsc, smpp_system_type="sms") as client:
        assert await client.send(asked(), soon()) == Accepted("id-1")
    [bound], [sent] = smsc.binds, smsc.submitted
    assert (bound.command, bound.system_id, bound.password) == (BIND_TRANSMITTER, "acme", "sesame")
    assert (sent.source.number, sent.source.ton, sent.source.npi) == ("18335550123", 1, 1)
    assert (sent.destination.number, sent.destination.ton, sent.destination.npi) == ("14155550100", 1, 1)
    assert (sent.short_message, sent.registered_delivery, sent.esm_class) == (asked().body, 1, 0)
    assert [(each.tag, each.value) for each in sent.optional_params or []] == [(0x0204, reference_of("acme", "m-1"))]
    assert bound.unbound


@pytest.mark.parametrize(
    ("sender_number", "source"),
    [("72345", ("72345", 3, 0)), ("ACME SHOP", ("ACME SHOP", 5, 0)), ("+447700900123", ("447700900123", 1, 1))],
)
async def test_each_kind_of_sender_number_has_its_type(sender_number: str, source: tuple[str, int, int]) -> None:
    async with serving(Smsc()) as smsc, bound_to(smsc) as client:
        await client.send(asked(sender_number=sender_number), soon())
    found = smsc.submitted[0].source
    assert (found.number, found.ton, found.npi) == source


TEXTS = [
    "Reply STOP to opt out", "€ [x] {y} ~ \\ ^ |", "@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà", "Да, СТОП",
    "Hi 👋🏽 STOP", "a" * 160, "a" * 161, "€" * 80, "€" * 81, "Ж" * 70, "Ж" * 71, "👋" * 35, "👋" * 36, "ab€" * 300,
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
async def test_a_text_arrives_as_it_was_written_in_one_pdu(text: str) -> None:
    async with serving(Smsc()) as smsc, bound_to(smsc) as client:
        assert await client.send(asked(body=text), soon()) == Accepted("id-1")
    [sent] = smsc.submitted
    is_long = segments_of(text).number > 1
    assert (sent.short_message, sent.message_payload) == (("", text) if is_long else (text, ""))
    assert sent.encoding == (None if segments_of(text).encoding == "gsm7" else "ucs2")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=400))
def test_any_text_is_written_as_an_independent_reader_reads_it(text: str) -> None:
    settings = settings_for(Smsc(port=1), smpp_max_segments=255)
    frame = pdu(SUBMIT, 1, submit_body(settings, asked(body=text)))
    read: Any = SubmitSm.from_pdu(frame, SubmitSm.parse_header(frame), "gsm0338")
    assert text == (read.message_payload or read.short_message)


@pytest.mark.parametrize(
    ("fields", "more", "says"),
    [
        ({"body": "a" * 1531}, {}, "has 11 segments; this SMSC takes 10"),
        ({"body": "a" * 161}, {"smpp_max_segments": 1}, "has 2 segments; this SMSC takes 1"),
        ({"body": "Ж" * 20_000}, {"smpp_max_segments": 255}, "has 299 segments"),
    ],
)
async def test_a_message_over_the_limit_is_refused_with_words_and_nothing_is_written(
    fields: dict[str, Any], more: dict[str, Any], says: str
) -> None:
    async with serving(Smsc()) as smsc, bound_to(smsc, **more) as client:
        result = await client.send(asked(**fields), soon())
    assert isinstance(result, Refused)
    assert says in result.reason
    assert smsc.submitted == []


def test_a_sender_id_that_smpp_cannot_carry_is_refused() -> None:
    settings = settings_for(Smsc(port=1))
    with pytest.raises(UnsendableError, match="is not ASCII"):
        submit_body(settings, asked().model_copy(update={"sender_number": "ÄCME"}))


async def test_an_smsc_of_latin_1_gets_latin_1() -> None:
    async with serving(Smsc()) as smsc, bound_to(smsc, smpp_default_alphabet="latin-1") as client:
        await client.send(asked(body="Tschüß"), soon())
    assert b"Tsch\xfc\xdf" in smsc.binds[0].raw[0]
