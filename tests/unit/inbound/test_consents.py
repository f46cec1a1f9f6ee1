"""What is written to a carrier's own record: what it can hold, what recipients want, not what it said itself."""

import json
import logging
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from services.inbound.carrier_lists.aws import AwsAccess
from services.inbound.carrier_lists.aws_consents import AwsConsents
from services.inbound.carrier_lists.consents import Consent, ConsentWriter, consents_of, newest
from services.inbound.carrier_lists.http import ApiResponse, CarrierRefusesError
from services.inbound.carrier_lists.twilio_consents import TwilioConsents
from shared.errors import TransientError
from shared.events.opt_out import AnyOptOutEvent, HeldReleased, OptedIn, OptedOut, OptOutHeld

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
PHONE, ALONE, POOLED = "+14155550100", "+18335550123", "+18335550124"
POOLS = {"acme": {"Own": [ALONE], "Shared": [POOLED, "+18335550125"], "MG1": [POOLED, "+18335550125"]}}
ACCESS = AwsAccess("AKIA0", SecretStr("secret-key"), "us-east-1")
AWS = AwsConsents(ACCESS, "acme", ("Own", "Shared"), POOLS)
TWILIO = TwilioConsents("AC1", SecretStr("token"), "acme", ("MG1", ALONE), POOLS)


def event(kind: type[Any] = OptedOut, scope: str = "account", **fields: Any) -> Any:
    given = {
        "event_id": uuid4(), "occurred_at": NOON, "account_id": "acme", "phone": PHONE, "scope": scope,
        "list_id": None, "sender_number": None, "cause_event_id": uuid4(), "rule": "STOP", "rule_version": 1,
        "attribution": "account",
    }  # fmt: skip
    return kind(**{**given, **fields})


def consent(phone: str = PHONE, sender: str = "MG1", *, is_opt_out: bool = True, source: str | None = None) -> Consent:
    return Consent(UUID(int=7), phone, is_opt_out, sender, source, NOON)


def written(about: AnyOptOutEvent, writer: ConsentWriter = AWS, reach: Any = "account") -> list[str]:
    return [each.sender for each in consents_of(about, writer, reach)]


@pytest.mark.parametrize("writer", [AWS, TWILIO])
def test_what_the_carrier_has_said_itself_is_never_written_back(writer: ConsentWriter) -> None:
    for scope in ("account", f"sender:{ALONE}", "list:1"):
        assert written(event(scope=scope, source="carrier"), writer, "all") == []


@pytest.mark.parametrize("source", [None, "api", "import", "phone_call", "mail", "by_hand", "link"])
def test_every_opt_out_of_a_recipient_is_written(source: str | None) -> None:
    assert written(event(source=source)) == ["Own", "Shared"]
    (first, _) = consents_of(event(source=source), AWS, "account")
    assert (first.phone, first.is_opt_out) == (PHONE, True)


def test_what_no_recipient_has_decided_is_not_written() -> None:
    assert written(event(source="clean_up")) == written(event(source="reassigned")) == []
    assert written(event(OptedIn, source="undo")) == []
    assert written(event(OptOutHeld, reason="looks like one")) == []
    assert written(event(HeldReleased, by="ann")) == []


@pytest.mark.parametrize("source", [None, "api", "web_form", "phone_call", "mail", "by_hand", "link"])
def test_a_start_and_a_consent_are_written_as_opt_in(source: str | None) -> None:
    assert [each.is_opt_out for each in consents_of(event(OptedIn, source=source), AWS, "account")] == [False, False]


def test_an_opt_out_of_one_list_does_not_end_the_others_at_the_carrier() -> None:
    assert written(event(scope="list:1")) == []
    assert written(event(scope=f"sender:{POOLED}")) == []
    assert written(event(scope=f"sender:{ALONE}")) == ["Own"]
    assert written(event(scope="sender:+19995550100"), reach="all") == []
    assert written(event(scope="list:1"), reach="all") == ["Own", "Shared"]
    assert written(event(scope=f"sender:{POOLED}"), reach="all") == ["Shared"]
    assert written(event(scope=f"sender:{ALONE}"), TWILIO) == [ALONE]
    assert written(event(scope=f"sender:{POOLED}"), TWILIO) == []
    assert written(event(scope=f"sender:{POOLED}"), TWILIO, "all") == ["MG1"]


def test_of_one_recipient_the_last_word_is_written() -> None:
    there, back, other = consent(), consent(is_opt_out=False), consent("+14155550101")
    assert newest([there, other, back]) == [other, back]
    assert newest([back, there._replace(sender="MG2"), there]) == [there._replace(sender="MG2"), there]


class Recorder(HttpClient):
    """A client of Twilio's SDK that keeps the request."""

    def __init__(self) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False)

    def request(self, method: str, url: str, **given: Any) -> Response:  # type: ignore[override]
        self.asked = method, url, given["data"]
        return Response(201, "{}")


def test_twilio_gets_what_its_own_sdk_would_send() -> None:
    consents = [consent(), consent("+14155550101", ALONE, is_opt_out=False, source="web_form")]
    request = TWILIO.request(consents, NOON)
    items = [json.loads(each) for each in parse_qs((request.body or b"").decode())["Items"]]
    recorder = Recorder()
    Client("AC1", "token", http_client=recorder).accounts.v1.bulk_consents.create(items=items)
    assert recorder.asked == ("POST", request.url, {"Items": [json.dumps(each) for each in items]})
    assert [len(each.pop("correlation_id")) for each in items] == [32, 32]
    common = {"date_of_consent": "2026-11-28T12:00:00.000000Z"}
    assert items == [
        {"contact_id": PHONE, "sender_id": "MG1", "status": "opt-out", "source": "opt-out-message", **common},
        {"contact_id": "+14155550101", "sender_id": ALONE, "status": "opt-in", "source": "website", **common},
    ]


def test_each_item_of_twilios_response_has_an_outcome_of_its_own() -> None:
    consents = [consent(f"+1415555010{last}") for last in range(4)]
    consents = [each._replace(event_id=UUID(int=place)) for place, each in enumerate(consents)]
    ids = [
        json.loads(each)["correlation_id"]
        for each in parse_qs((TWILIO.request(consents, NOON).body or b"").decode())["Items"]
    ]
    items: list[Any] = [
        {"correlation_id": ids[0], "error_code": 0, "error_messages": []},
        {"correlation_id": ids[1], "error_code": 30646, "error_messages": ["INVALID_SENDER_ID: +14155550101"]},
        {"correlation_id": ids[2], "error_code": 30646, "error_messages": ["INTERNAL_SERVER_ERROR"]},
        "nonsense",
        {"correlation_id": []},
    ]
    outcomes = TWILIO.outcomes(ApiResponse(201, json.dumps({"items": items}).encode()), consents)
    assert [(each.consent.phone, each.refusal) for each in outcomes] == [
        (consents[0].phone, None),
        (consents[1].phone, "error 30646: INVALID_SENDER_ID"),
    ]
    with pytest.raises(CarrierRefusesError):
        TWILIO.outcomes(ApiResponse(401, b"{}"), consents)
    for response in (ApiResponse(429, b"{}"), ApiResponse(503, b""), ApiResponse(200, b"{}"), ApiResponse(200, b"?")):
        with pytest.raises(TransientError):
            TWILIO.outcomes(response, consents)


def test_aws_puts_and_deletes_a_number() -> None:
    for each, operation in ((consent(sender="Own"), "Put"), (consent(sender="Own", is_opt_out=False), "Delete")):
        request = AWS.request([each], NOON)
        assert request.headers["X-Amz-Target"] == f"PinpointSMSVoiceV2.{operation}OptedOutNumber"
        assert json.loads(request.body or b"") == {"OptOutListName": "Own", "OptedOutNumber": PHONE}
        (outcome,) = AWS.outcomes(ApiResponse(200, b"{}"), [each])
        assert outcome.refusal is None


@pytest.mark.parametrize("kind", ["AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException"])
def test_credentials_that_aws_refuses_park_nobodys_opt_out_at_once(kind: str) -> None:
    body = json.dumps({"__type": f"com.amazon.coral.service#{kind}", "message": "no"}).encode()
    with pytest.raises(TransientError, match=kind):
        AWS.outcomes(ApiResponse(400, body), [consent(sender="Own")])


def test_a_number_that_is_not_on_awss_list_is_opted_in_there_already() -> None:
    missing = {"__type": "ResourceNotFoundException", "ResourceType": "opted-out-number"}
    back, out = consent(is_opt_out=False), consent()
    assert AWS.outcomes(ApiResponse(400, json.dumps(missing).encode()), [back])[0].refusal is None
    for body, each in ((missing, out), ({**missing, "ResourceType": "opt-out-list"}, back)):
        with pytest.raises(CarrierRefusesError, match="ResourceNotFoundException"):
            AWS.outcomes(ApiResponse(400, json.dumps(body).encode()), [each])
