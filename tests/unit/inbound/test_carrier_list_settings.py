"""Which lists are read and written: what is asked for is there, or the process does not start and says why."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.inbound.carrier_lists.choices import MAX_WRITTEN, ListWork, read_carrier_lists
from services.inbound.poll.api_keys import read_api_keys
from services.inbound.poll.credentials import API_CREDENTIALS, LIST_OPTIONS

SECRET = "a-secret-of-these-tests"  # noqa: S105
KEYS: dict[str, Any] = {
    "acme": {
        "aws": {"access_key_id": "AKIA0", "secret_access_key": SECRET, "region": "eu-west-1"},
        "clicksend": {"username": "user", "api_key": SECRET},
        "telnyx": {"api_key": SECRET},
        "twilio": {"account_sid": "AC" + "0" * 32, "auth_token": SECRET},
    }
}
POOLS = {"acme": {"Marketing": ["+18335550123"], "42": ["+18335550124"]}}


def works(**carriers: Any) -> list[ListWork]:
    accounts = read_api_keys(json.dumps(KEYS), API_CREDENTIALS)
    return read_carrier_lists(json.dumps({"acme": carriers}), LIST_OPTIONS, accounts, POOLS)


def test_what_is_asked_for_is_read_and_written_and_nothing_else() -> None:
    aws, telnyx, twilio, clicksend = works(
        aws={"read": True, "write": "all", "opt_out_lists": ["Marketing"]},
        telnyx={"read": True, "messaging_profiles": ["p1", "p2"]},
        twilio={"write": "account", "senders": ["MG1"]},
        clicksend={"read": False, "opt_out_list": "9"},
    )
    assert [each.list_id for each in aws.lists] == ["Marketing"]
    assert aws.writer is not None
    assert (aws.writer.gateway, aws.reach) == ("aws", "all")
    assert [each.list_id for each in telnyx.lists] == ["p1", "p2"]
    assert telnyx.writer is None
    assert twilio.writer is not None
    assert (twilio.lists, twilio.writer.gateway, twilio.reach) == ([], "twilio", "account")
    assert (clicksend.lists, clicksend.writer) == ([], None)
    assert works() == []


def test_a_request_goes_to_the_region_of_the_credential() -> None:
    (aws,) = works(aws={"read": True, "opt_out_lists": ["Marketing"]})
    assert aws.lists[0].request(None, None, datetime.now(UTC)).url == "https://sms-voice.eu-west-1.amazonaws.com/"


@pytest.mark.parametrize(
    ("carriers", "says"),
    [
        ({"vonage-sms": {"read": True}}, "acme: vonage-sms: has no list"),
        ({"telnyx": {"write": "all"}}, "acme: telnyx: write"),
        ({"twilio": {"read": True, "senders": ["MG1"]}}, "acme: twilio: read"),
        ({"twilio": {"write": "all"}}, "acme: twilio: senders"),
        ({"aws": {"read": True, "opt_out_lists": []}}, "acme: aws: opt_out_lists"),
        ({"aws": {"read": True, "opt_out_lists": ["Other"]}}, "STOPLINE_NUMBER_POOLS must say which numbers Other"),
        ({"clicksend": {"read": True, "opt_out_list": "43"}}, "STOPLINE_NUMBER_POOLS must say which numbers 43"),
        ({"clicksend": {"read": True, "opt_out_list": "../42"}}, "acme: clicksend: opt_out_list"),
        ({"aws": {"reads": True, "opt_out_lists": ["x"]}}, "acme: aws: reads"),
    ],
)
def test_what_cannot_be_done_is_refused(carriers: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        works(**carriers)


def test_there_is_a_limit_to_the_records_that_are_written() -> None:
    names = [f"t-{number}" for number in range(MAX_WRITTEN + 1)]
    accounts = read_api_keys(json.dumps({name: {"twilio": KEYS["acme"]["twilio"]} for name in names}), API_CREDENTIALS)
    for count in (MAX_WRITTEN, MAX_WRITTEN + 1):
        text = json.dumps({name: {"twilio": {"write": "all", "senders": ["MG1"]}} for name in names[:count]})
        if count == MAX_WRITTEN:
            assert len(read_carrier_lists(text, LIST_OPTIONS, accounts, POOLS)) == count
        else:
            with pytest.raises(ValueError, match="the limit of one process is 50"):
                read_carrier_lists(text, LIST_OPTIONS, accounts, POOLS)


def test_an_account_without_credentials_is_refused() -> None:
    with pytest.raises(ValueError, match="other: telnyx: STOPLINE_GATEWAY_API_KEYS has no credentials"):
        read_carrier_lists('{"other": {"telnyx": {"read": true}}}', LIST_OPTIONS, [], POOLS)
    with pytest.raises(ValueError, match="STOPLINE_CARRIER_LISTS"):
        read_carrier_lists("[]", LIST_OPTIONS, [], POOLS)
