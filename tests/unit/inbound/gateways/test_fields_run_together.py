"""Signatures that run names and values together: another request for which the same signature holds changes nothing."""

from dataclasses import replace
from urllib.parse import quote, urlencode

import pytest
from gateway_requests import ORIGIN
from gateway_signers import FIELDS, NOW, OTHER, PATH, SHARED, Signed, credential, twilio, twilio_json, vonage_sms
from twilio.request_validator import RequestValidator
from vonage_http_client.auth import Auth

from services.inbound.fields import FORM, read_fields
from services.inbound.gateways.plivo import PlivoCredential
from services.inbound.gateways.reported import read_webhook
from services.inbound.gateways.signatures import hmac_base64
from services.inbound.gateways.twilio import TwilioCredential, TwilioMessage
from services.inbound.limits import MAX_FORM_FIELDS
from services.inbound.responses import WebhookError
from shared.events.inbound import MessageReceived


def as_json_with(head: str, fields: dict[str, str], first: str) -> bytes:
    """Return JSON that begins with `head`; as a form its names and values run together are those of `fields`.

    `first` is the field whose value is the text that somebody chose to write.
    """
    before, _, after = "".join(name + value for name, value in sorted(fields.items())).partition(f'"}}{head}')
    assert first in before, "the text is what was chosen"
    return f'{head}={quote(after)}&{quote(before)}"}}'.encode()


@pytest.mark.parametrize("content_type", [FORM, "application/json", "text/plain", ""])
async def test_signed_fields_that_are_moved_into_json_are_refused(content_type: str) -> None:
    head = r'{"From":"\u002b14155550199","Body":"START","x":"'
    fields = {**FIELDS, "Body": f'hello"}}{head}'}
    body = as_json_with(head, fields, "Body")
    assert read_fields(content_type, body)["From"] == "+14155550199"
    by_twilio = RequestValidator(SHARED).compute_signature(f"{ORIGIN}{PATH}", fields)
    account = credential(TwilioCredential, auth_token=SHARED)
    signed = Signed(account, urlencode(fields).encode(), {"X-Twilio-Signature": by_twilio})
    assert await signed.is_accepted()
    assert not await replace(signed, body=body, content_type=content_type).is_accepted()


@pytest.mark.parametrize("content_type", ["text/plain", ""])
async def test_a_body_of_more_fields_than_are_read_is_not_one_without_fields(content_type: str) -> None:
    body = ('{"From": "+14155550199", "Body": "START", "x": "' + "&" * MAX_FORM_FIELDS + '"}').encode()
    assert read_fields(content_type, body)["Body"] == "START"
    for other in (body, b"&" * MAX_FORM_FIELDS):
        assert not await replace(twilio_json(), body=other, content_type=content_type).is_accepted()
        nonce = "05429567804466091622"
        empty = hmac_base64(SHARED, f"{ORIGIN}{PATH}.{nonce}".encode(), "sha256")
        headers = {"X-Plivo-Signature-V3": empty, "X-Plivo-Signature-V3-Nonce": nonce}
        signed = Signed(credential(PlivoCredential, auth_token=SHARED), b"", headers)
        assert await signed.is_accepted()
        assert not await replace(signed, body=other, content_type=content_type).is_accepted()


@pytest.mark.parametrize("name", ["messageId", "message-timestamp", "msisdn"])
async def test_a_field_of_vonage_that_is_hidden_in_the_name_of_another_is_refused(name: str) -> None:
    fields = {"a": "b", "message-timestamp": "2026-11-29 11:00:00", "messageId": "m-1", "msisdn": "447700900001"}
    fields |= {"nonce": "n", "text": "START", "timestamp": str(int(NOW.timestamp()))}
    before = sorted(fields)[sorted(fields).index(name) - 1]
    hidden = {each: value for each, value in fields.items() if each not in {name, before}}
    hidden[f"{before}={fields[before]}&{name}"] = fields[name]
    auth = Auth(api_key="k", api_secret=OTHER, signature_secret=SHARED, signature_method="sha256")
    sig = auth.sign_params(dict(fields))
    for sent, is_right in ((fields, True), (hidden, False)):
        assert auth.sign_params(dict(sent)) == sig
        body = urlencode({**sent, "sig": sig}).encode()
        assert await replace(vonage_sms(), body=body).is_accepted() is is_right


async def test_an_old_message_of_twilio_is_parked_where_its_id_is_hidden_or_cut_off() -> None:
    sid = "SM" + "12ab" * 8
    fields = {"Body": "START", "From": "+14155550100", "FromZip": "94612", "MessageSid": sid, "To": "+18335550123"}
    signature = RequestValidator(SHARED).compute_signature(f"{ORIGIN}{PATH}", fields)
    hidden = {**fields, "FromZip": f"94612MessageSid{sid}"}
    cut_off = {**fields, "MessageSid": sid[:4], f"{sid[4:]}To{fields['To']}": ""}
    longer = {**fields, "MessageSid": f"{sid}To{fields['To']}"}
    del hidden["MessageSid"], cut_off["To"], longer["To"]
    for sent, is_right in ((fields, True), (hidden, False), (cut_off, False), (longer, False)):
        body = urlencode(sent).encode()
        signed = replace(twilio(), body=body, headers={"X-Twilio-Signature": signature})
        assert await signed.is_accepted(), "the signature cannot tell"
        [event] = read_webhook(TwilioMessage, "acme", FORM, body, NOW)
        assert isinstance(event, MessageReceived if is_right else WebhookError)
