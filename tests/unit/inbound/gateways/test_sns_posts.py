"""Posts of SNS: only what SNS signed, recently, about a topic of the account, with a certificate from SNS itself.

The oracle knows version 1 only; posts of version 2 are signed as AWS's documentation says.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from gateway_requests import (
    CERTIFICATE_ADDRESS,
    SUBSCRIBE_ADDRESS,
    TOPIC,
    SnsSigner,
    confirmation,
    gateway_request,
    notification,
    sns_time,
)
from sns_message_validator import SNSMessageValidator
from sns_message_validator.exceptions import SignatureVerificationFailureException

from services.inbound.fields import read_fields
from services.inbound.gateways.aws import AwsCredential, AwsMessage
from services.inbound.gateways.sns import read_post, subscribe_address
from shared.errors import TransientError

SIGNER = SnsSigner()
REPLY = {
    "originationNumber": "+14255550182",
    "destinationNumber": "+12125550101",
    "messageBody": "STOP\n\u00e9 \U0001f600",
}
Post = dict[str, Any]


async def is_accepted(body: bytes, certificates: dict[str, bytes] | None = None) -> bool:
    known = {CERTIFICATE_ADDRESS: SIGNER.pem} if certificates is None else certificates
    return await AwsCredential(topic_arn=TOPIC).has_signed(gateway_request(body, certificates=known))


def the_oracle_accepts(body: bytes) -> bool:
    class Answer:
        content = SIGNER.pem

    class Session:
        def get(self, _: str) -> Answer:
            return Answer()

    validator = SNSMessageValidator()
    vars(validator)["_cert_session"] = Session()
    try:
        validator.validate_message(json.loads(body))
    except SignatureVerificationFailureException:
        return False
    return True


KINDS = [
    notification(REPLY),
    notification(REPLY, Subject="A subject"),
    confirmation(),
    confirmation(Type="UnsubscribeConfirmation"),
]


@pytest.mark.parametrize("post", KINDS, ids=lambda post: str(post["Type"]))
@pytest.mark.parametrize("version", ["1", "2"])
async def test_what_sns_signed_is_accepted(post: Post, version: str) -> None:
    body = SIGNER.signed({**post, "Timestamp": sns_time(datetime.now(UTC))}, version)
    assert await is_accepted(body)
    assert version == "2" or the_oracle_accepts(body)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Message", "{}"),
        ("MessageId", "another"),
        ("Subject", "added"),
        pytest.param("Timestamp", sns_time(datetime.now(UTC) + timedelta(seconds=1)), id="Timestamp-later"),
        ("TopicArn", TOPIC),
        ("Type", "Notification"),
        ("SubscribeURL", SUBSCRIBE_ADDRESS + "0"),
        ("Token", "another"),
        ("Signature", ""),
        ("Signature", "%%%"),
    ],
)
async def test_a_change_of_what_is_signed_is_refused(name: str, value: str, version: str) -> None:
    other_topic = {"TopicArn": TOPIC + "2"} if name == "TopicArn" else {}
    make = notification if name == "Subject" else confirmation
    post = make("x", **other_topic) if make is notification else confirmation(**other_topic)
    body = json.dumps({**json.loads(SIGNER.signed(post, version)), name: value}).encode()
    assert not await is_accepted(body)
    assert version == "2" or not the_oracle_accepts(body)


@pytest.mark.parametrize("name", ["", ".", "x"])
async def test_what_is_added_to_a_signed_post_is_not_read_in_the_place_of_what_is_signed(name: str) -> None:
    signed = json.loads(SIGNER.signed(notification(REPLY)))
    forged = {"Message": json.dumps({**REPLY, "messageBody": "START"}), "Timestamp": sns_time(datetime.now(UTC))}
    for added in ({name: forged}, {name: {"": forged}}, {name: [forged]}):
        body = json.dumps({**added, **signed}).encode()
        assert await is_accepted(body)
        assert read_fields("", body).items() >= signed.items()


@pytest.mark.parametrize("version", ["0", "3", "", 2, None])
async def test_another_version_of_signatures_is_refused(version: object) -> None:
    signed = json.loads(SIGNER.signed(notification(REPLY)))
    assert not await is_accepted(json.dumps({**signed, "SignatureVersion": version}).encode())


async def test_a_signature_of_one_version_is_not_one_of_the_other() -> None:
    signed = json.loads(SIGNER.signed(notification(REPLY), "1"))
    assert not await is_accepted(json.dumps({**signed, "SignatureVersion": "2"}).encode())


@pytest.mark.parametrize(
    ("age", "is_right"),
    [
        (timedelta(minutes=60), True),
        (timedelta(minutes=66), False),
        (timedelta(minutes=-4), True),
        (timedelta(minutes=-6), False),
    ],
)
async def test_a_post_that_sns_would_no_longer_repeat_is_refused(age: timedelta, is_right: bool) -> None:  # noqa: FBT001
    post = notification(REPLY, Timestamp=sns_time(datetime.now(UTC) - age))
    assert await is_accepted(SIGNER.signed(post)) is is_right


@pytest.mark.parametrize("timestamp", ["", "yesterday", "9" * 500])
async def test_a_post_without_a_time_is_refused(timestamp: str) -> None:
    assert not await is_accepted(SIGNER.signed(notification(REPLY, Timestamp=timestamp)))


async def test_another_topic_than_the_accounts_is_refused() -> None:
    post = notification(REPLY, TopicArn=TOPIC.replace("replies", "others"))
    assert not await is_accepted(SIGNER.signed(post))


ELSEWHERE = [
    CERTIFICATE_ADDRESS.replace("https", "http"),
    CERTIFICATE_ADDRESS.replace("amazonaws.com", "amazonaws.com.evil.example"),
    CERTIFICATE_ADDRESS.replace("sns.us-east-1.amazonaws.com", "evil.example"),
    CERTIFICATE_ADDRESS.replace("sns.us-east-1.amazonaws.com", "sns.us-east-1.amazonaws.com@evil.example"),
    CERTIFICATE_ADDRESS.replace("sns.us-east-1.amazonaws.com", "evil.example#sns.us-east-1.amazonaws.com"),
    CERTIFICATE_ADDRESS.replace("sns.us-east-1.amazonaws.com", "evil.example\\sns.us-east-1.amazonaws.com"),
    CERTIFICATE_ADDRESS.replace(".com/", ".com:8443/"),
    CERTIFICATE_ADDRESS.replace("us-east-1", "eu-west-1"),
    CERTIFICATE_ADDRESS.replace("https://sns", "https://s3"),
    CERTIFICATE_ADDRESS.replace("amazonaws.com", "amazonaws.com.cn"),
    CERTIFICATE_ADDRESS.replace(".pem", ".txt"),
    CERTIFICATE_ADDRESS + "?x=.pem",
    CERTIFICATE_ADDRESS + "\n",
    CERTIFICATE_ADDRESS.replace("Simple", "../Simple"),
    "https://169.254.169.254/latest/meta-data.pem",
    "file:///etc/ssl/server.pem",
    "",
]


@pytest.mark.parametrize("address", ELSEWHERE)
async def test_no_certificate_is_fetched_from_elsewhere(address: str) -> None:
    asked: list[str] = []

    async def certificate(of: str) -> bytes | None:
        asked.append(of)
        return SIGNER.pem

    request = gateway_request(SIGNER.signed(notification(REPLY, SigningCertURL=address)))
    object.__setattr__(request, "certificate", certificate)
    assert not await AwsCredential(topic_arn=TOPIC).has_signed(request)
    assert asked == []


NOT_SNS: dict[str, Callable[[], SnsSigner]] = {
    "another key": SnsSigner,
    "another's name": lambda: SnsSigner("evil.example", key=SIGNER.key),
    "a name that begins alike": lambda: SnsSigner("sns.amazonaws.com.evil.example", key=SIGNER.key),
    "another service": lambda: SnsSigner("s3.amazonaws.com", key=SIGNER.key),
    "expired": lambda: SnsSigner(valid_until=datetime.now(UTC) - timedelta(minutes=1), key=SIGNER.key),
    "not yet valid": lambda: SnsSigner(valid_from=datetime.now(UTC) + timedelta(hours=1), key=SIGNER.key),
}


@pytest.mark.parametrize("make", NOT_SNS.values(), ids=NOT_SNS)
async def test_a_certificate_that_is_not_snss_or_not_in_force_is_refused(make: Callable[[], SnsSigner]) -> None:
    assert not await is_accepted(SIGNER.signed(notification(REPLY)), {CERTIFICATE_ADDRESS: make().pem})


@pytest.mark.parametrize("pem", [b"", b"<html>", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
async def test_what_is_not_a_certificate_is_refused(pem: bytes) -> None:
    assert not await is_accepted(SIGNER.signed(notification(REPLY)), {CERTIFICATE_ADDRESS: pem})


async def test_a_post_whose_certificate_is_not_there_is_to_be_posted_again() -> None:
    with pytest.raises(TransientError):
        await is_accepted(SIGNER.signed(notification(REPLY)), {})


@pytest.mark.parametrize("name", ["sns-signing.af-south-1.amazonaws.com", "sns-cn-north-1.amazonaws.com.cn"])
@pytest.mark.parametrize("has_alternative_names", [True, False])
async def test_a_regions_own_certificate_is_snss(name: str, has_alternative_names: bool) -> None:  # noqa: FBT001
    signer = SnsSigner(name, key=SIGNER.key, has_alternative_names=has_alternative_names)
    assert await is_accepted(SIGNER.signed(notification(REPLY)), {CERTIFICATE_ADDRESS: signer.pem})


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"\xff", b'{"Type": 1}', b"[" * 60_000, json.dumps(REPLY).encode()]
)
async def test_what_is_not_a_post_of_sns_is_refused(body: bytes) -> None:
    assert not await is_accepted(body)


async def test_a_text_that_is_not_unicode_is_refused_without_an_error() -> None:
    signed = SIGNER.signed(notification("x")).replace(b'"Message": "x"', b'"Message": "\\ud800"')
    assert not await is_accepted(signed)


def address_of(**changed: str) -> str | None:
    post = read_post(SIGNER.signed(confirmation(**changed)))
    assert post is not None
    return subscribe_address(post)


def test_a_subscription_is_confirmed_at_the_address_that_sns_names() -> None:
    assert address_of() == SUBSCRIBE_ADDRESS
    assert AwsMessage.handshake(gateway_request(SIGNER.signed(confirmation()))) == SUBSCRIBE_ADDRESS


@pytest.mark.parametrize(
    "changed",
    [
        {"SubscribeURL": SUBSCRIBE_ADDRESS.replace("ConfirmSubscription", "DeleteTopic")},
        {"SubscribeURL": SUBSCRIBE_ADDRESS + "&Action=DeleteTopic"},
        {"SubscribeURL": SUBSCRIBE_ADDRESS.replace("replies", "others")},
        {"SubscribeURL": SUBSCRIBE_ADDRESS.replace("sns.us-east-1", "sns.eu-west-1")},
        {"SubscribeURL": SUBSCRIBE_ADDRESS.replace("https", "http")},
        {"SubscribeURL": SUBSCRIBE_ADDRESS.replace("amazonaws.com/", "amazonaws.com@evil.example/")},
        {"SubscribeURL": "https://evil.example/?" + SUBSCRIBE_ADDRESS.partition("?")[2]},
        {"SubscribeURL": "http://169.254.169.254/latest/meta-data"},
        {"Type": "UnsubscribeConfirmation"},
        {"Type": "Notification"},
    ],
)
def test_no_other_address_is_visited(changed: dict[str, str]) -> None:
    assert address_of(**changed) is None


def test_the_end_of_a_subscription_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    request = gateway_request(SIGNER.signed(confirmation(Type="UnsubscribeConfirmation")))
    assert AwsMessage.handshake(request) is None
    assert TOPIC in caplog.text
