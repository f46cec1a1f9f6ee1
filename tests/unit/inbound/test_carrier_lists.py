"""Each documented page of a carrier's list gives the right blocks; one that cannot be read is not an empty one."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from services.inbound.carrier_lists.aws import AwsAccess, AwsOptOuts
from services.inbound.carrier_lists.clicksend import ClickSendOptOuts
from services.inbound.carrier_lists.entry import CarrierList, ListEntry, UnreadableEntryError, block_of_entry
from services.inbound.carrier_lists.http import ApiResponse, CarrierRefusesError
from services.inbound.carrier_lists.telnyx import TelnyxOptOuts
from shared.errors import TransientError

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
NUMBER, OTHER_NUMBER = "+18335550123", "+18335550124"
PHONE = "+14155550100"
TELNYX = TelnyxOptOuts(SecretStr("key"), "profile-1")
AWS = AwsOptOuts(AwsAccess("AKIA0", SecretStr("secret-key"), "us-east-1"), "Marketing")
CLICKSEND = ClickSendOptOuts("user", SecretStr("key"), "42")
POOLS = {"acme": {"profile-1": [NUMBER, OTHER_NUMBER], "Marketing": [NUMBER], "42": [OTHER_NUMBER]}}

# developers.telnyx.com, "List opt-outs".
TELNYX_PAGE = {
    "data": [
        {
            "from": NUMBER,
            "to": PHONE,
            "messaging_profile_id": "profile-1",
            "keyword": "STOP",
            "created_at": "2025-04-28 12:00:38.631252+00:00",
        }
    ],
    "meta": {"total_pages": 3, "total_results": 55, "page_number": 2, "page_size": 25},
}
# AWS API reference, `DescribeOptedOutNumbers` and `OptedOutNumberInformation`.
AWS_PAGE = {
    "OptOutListName": "Marketing",
    "OptedOutNumbers": [
        {"OptedOutNumber": PHONE, "OptedOutTimestamp": 1745841638.631, "EndUserOptedOut": True},
    ],
    "NextToken": "more",
}
# ClickSend's REST API: a page of contacts.
CLICKSEND_PAGE = {
    "http_code": 200,
    "response_code": "SUCCESS",
    "data": {
        "total": 1,
        "current_page": 1,
        "last_page": 1,
        "data": [{"contact_id": 7, "list_id": 42, "phone_number": PHONE, "date_added": 1745841638}],
    },
}


def answer(body: Any, status: int = 200) -> ApiResponse:
    return ApiResponse(status, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("source", "body", "numbers"),
    [
        (TELNYX, TELNYX_PAGE, (NUMBER, OTHER_NUMBER)),
        (AWS, AWS_PAGE, (NUMBER,)),
        (CLICKSEND, CLICKSEND_PAGE, (OTHER_NUMBER,)),
    ],
)
def test_an_entry_blocks_the_numbers_of_its_list_since_the_lists_own_time(
    source: CarrierList, body: Any, numbers: tuple[str, ...]
) -> None:
    (entry,) = source.page_of(answer(body), None).entries
    block = block_of_entry("acme", source, entry, NOON, POOLS)
    assert (block.account_id, block.gateway, block.phone) == ("acme", source.gateway, PHONE)
    assert block.sender_numbers == numbers
    assert block.occurred_at.replace(microsecond=0) == datetime(2025, 4, 28, 12, 0, 38, tzinfo=UTC)
    assert (block.opt_out_list, block.covers_account) == (source.list_id, source is CLICKSEND)
    assert block.event_id == block_of_entry("acme", source, entry, NOON + timedelta(days=1), POOLS).event_id


def test_another_opt_out_of_the_same_phone_is_another_event() -> None:
    first = ListEntry(PHONE, "2025-04-28 12:00:38+00:00", NUMBER, "profile-1", "STOP")
    entries = (first, first._replace(time="2026-04-28 12:00:38+00:00"), first._replace(sender_number=OTHER_NUMBER))
    ids = {block_of_entry(account, TELNYX, each, NOON, POOLS).event_id for each in entries for account in ("a", "b")}
    assert len(ids) == 6


def test_an_entry_without_a_usable_time_is_as_old_as_its_reading_and_the_same_event() -> None:
    for time in ("", "soon", "2026-11-29 12:00:00+00:00"):
        entry = ListEntry(PHONE, time, NUMBER)
        block = block_of_entry("acme", TELNYX, entry, NOON, POOLS)
        assert block.occurred_at == NOON
        assert block.event_id == block_of_entry("acme", TELNYX, entry, NOON + timedelta(hours=1), POOLS).event_id


@pytest.mark.parametrize("phone", ["", "nobody", "+1", "+447766****"])
def test_an_entry_that_does_not_say_whose_it_is_is_not_guessed(phone: str) -> None:
    with pytest.raises(UnreadableEntryError):
        block_of_entry("acme", TELNYX, ListEntry(phone), NOON, POOLS)


def test_no_entry_ends_the_process() -> None:
    half = "\ud83d"
    page = {"data": [{"to": PHONE, "from": half, "messaging_profile_id": half, "keyword": half, "created_at": half}]}
    (entry,) = TELNYX.page_of(answer(page), None).entries
    block = block_of_entry("acme", TELNYX, entry, NOON, POOLS)
    assert (block.phone, block.reason, block.sender_numbers) == (PHONE, "?", ())


@pytest.mark.parametrize("pages", ["9" * 5_000, "\u00b2", "soon", None, []])
def test_a_page_whose_number_of_pages_cannot_be_read_is_the_last_unless_it_is_full(pages: Any) -> None:
    for rows, following in ((1, None), (250, "2")):
        telnyx = {"data": TELNYX_PAGE["data"] * rows, "meta": {"total_pages": pages}}  # type: ignore[operator]
        assert TELNYX.page_of(answer(telnyx), None).next_page == following
        clicksend = {"data": {"data": [{"phone_number": PHONE}] * rows, "last_page": pages}}
        assert CLICKSEND.page_of(answer(clicksend), None).next_page == following


def test_pages_are_followed_to_the_last_and_no_further() -> None:
    assert TELNYX.page_of(answer(TELNYX_PAGE), "2").next_page == "3"
    assert TELNYX.page_of(answer(TELNYX_PAGE), "3").next_page is None
    assert TELNYX.page_of(answer({**TELNYX_PAGE, "data": []}), "1").next_page is None
    assert TELNYX.page_of(answer({"data": TELNYX_PAGE["data"] * 250}), "1").next_page == "2"
    assert AWS.page_of(answer(AWS_PAGE), None).next_page == "more"
    assert AWS.page_of(answer(AWS_PAGE), "more").next_page is None  # it would be asked for again and again
    assert CLICKSEND.page_of(answer(CLICKSEND_PAGE), "1").next_page is None
    more = {"data": {**CLICKSEND_PAGE["data"], "last_page": 9}}  # type: ignore[dict-item]
    assert CLICKSEND.page_of(answer(more), "3").next_page == "4"


def test_requests_ask_for_a_page_and_for_what_is_new() -> None:
    telnyx = TELNYX.request("2", NOON, NOON)
    assert urlsplit(telnyx.url)[:3] == ("https", "api.telnyx.com", "/v2/messaging_optouts")
    query = parse_qs(urlsplit(telnyx.url).query)
    assert query["page[number]"] == ["2"]
    assert query["created_at[gte]"] == ["2026-11-28T12:00:00.000000Z"]
    assert query["filter[messaging_profile_id]"] == ["profile-1"]
    assert telnyx.headers["Authorization"] == "Bearer key"
    clicksend = CLICKSEND.request(None, NOON, NOON)
    assert clicksend.url == "https://rest.clicksend.com/v3/lists/42/contacts?page=1&limit=100&updated_after=1795867200"
    assert clicksend.headers["Authorization"] == "Basic dXNlcjprZXk="
    aws = AWS.request("more", NOON, NOON)
    assert aws.headers["X-Amz-Target"] == "PinpointSMSVoiceV2.DescribeOptedOutNumbers"
    assert json.loads(aws.body or b"") == {"OptOutListName": "Marketing", "MaxResults": 100, "NextToken": "more"}
    assert aws.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIA0/20261128/us-east-1/sms-voice")


def test_where_we_write_to_aws_too_only_what_recipients_did_themselves_is_read() -> None:
    request = AwsOptOuts(AWS.access, "Marketing", of_recipients_alone=True).request(None, None, NOON)
    assert json.loads(request.body or b"")["Filters"] == [{"Name": "end-user-opted-out", "Values": ["true"]}]


LATER_RESPONSES = [
    answer({}, 500),
    answer({}, 429),
    ApiResponse(200, b"<html>"),
    ApiResponse(200, b"[" * 100_000),
    ApiResponse(200, b"[]"),
    answer({"data": None}),
    answer({}),
]


@pytest.mark.parametrize("response", LATER_RESPONSES)
@pytest.mark.parametrize("source", [TELNYX, AWS, CLICKSEND])
def test_a_page_that_was_not_read_is_not_an_empty_one(source: CarrierList, response: ApiResponse) -> None:
    with pytest.raises(TransientError):
        source.page_of(response, None)


@pytest.mark.parametrize("source", [TELNYX, AWS, CLICKSEND])
@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_is_one_and_says_nothing_of_a_number(source: CarrierList, status: int) -> None:
    with pytest.raises(CarrierRefusesError, match=str(status)) as raised:
        source.page_of(answer({"message": f"{PHONE} is wrong"}, status), None)
    assert PHONE not in str(raised.value)


def test_aws_says_in_the_type_of_an_error_what_it_is() -> None:
    with pytest.raises(TransientError):
        AWS.page_of(answer({"__type": "com.amazonaws#ThrottlingException"}, 400), None)
    with pytest.raises(CarrierRefusesError, match="ResourceNotFoundException"):
        AWS.page_of(answer({"__type": "ResourceNotFoundException"}, 400), None)
