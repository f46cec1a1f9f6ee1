"""A gateway that signs, at the real service: what is forged leaves no trace, and a repetition is the same event."""

from dataclasses import replace

from inbound_world import AUTH_TOKEN, SIGNED_ACCOUNT, Gateway, new_http, value_of
from twilio.request_validator import RequestValidator

from shared.topics import INBOUND_MESSAGES

FIELDS = {
    "MessageSid": "SM" + "1" * 32,
    "AccountSid": "AC" + "2" * 32,
    "From": "+14155550100",
    "To": "+18335550123",
    "Body": "STOP",
    "NumMedia": "0",
}


async def test_a_forged_webhook_publishes_nothing_and_one_that_comes_three_times_is_one_event(gateway: Gateway) -> None:
    twilio = replace(gateway, account_id=SIGNED_ACCOUNT)
    address = twilio.address("twilio")
    signature = RequestValidator(AUTH_TOKEN).compute_signature(address, FIELDS)
    forged = RequestValidator("another-token").compute_signature(address, FIELDS)
    async with new_http() as http:
        for headers, fields in (
            ({"X-Twilio-Signature": forged}, FIELDS),
            ({"X-Twilio-Signature": signature}, {**FIELDS, "Body": "START"}),
            ({}, FIELDS),
        ):
            assert (await http.post(address, data=fields, headers=headers)).status_code == 401
        assert (await http.post(gateway.address("twilio"), data=FIELDS)).status_code == 401, "it has no credential"
        assert await twilio.records() == await gateway.records() == []
        answers = [await http.post(address, data=FIELDS, headers={"X-Twilio-Signature": signature}) for _ in range(3)]
    assert {(answer.status_code, answer.headers["content-type"], answer.text) for answer in answers} == {
        (200, "text/xml", "<Response/>")
    }
    records = await twilio.records()
    assert [record.topic for record in records] == [INBOUND_MESSAGES] * 3
    assert len({value_of(record)["event_id"] for record in records}) == 1
