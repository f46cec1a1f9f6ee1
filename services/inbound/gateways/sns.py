"""Amazon SNS over HTTPS: what a post contains, which addresses it may name, and whether SNS signed it.

docs.aws.amazon.com/sns, "Verifying the signatures of Amazon SNS messages"; the names in certificates are those of the
AWS SDK for Java. Nothing here does I/O: the certificate is an argument (decision 39).
"""

import json
import re
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509.oid import NameOID
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.inbound.gateways.encodings import decoded_base64
from services.inbound.gateways.times import read_time

MAX_AGE = timedelta(hours=1, minutes=5)
"""SNS tries for an hour at most; five minutes are for what the clocks differ by."""
_MAX_AHEAD = timedelta(minutes=5)
_MIN_KEY_BITS = 2048
_SERVICE = r"https://sns\.(?P<region>[a-z0-9-]{3,32})\.amazonaws\.com(?P<china>\.cn)?"
# Whole addresses, so that no two parsers can read a port, a user or another host into them.
_CERTIFICATE_ADDRESS = re.compile(_SERVICE + r"/[A-Za-z0-9_-]{1,128}\.pem")
_SUBSCRIBE_ADDRESS = re.compile(_SERVICE + r"/\?(?P<query>[A-Za-z0-9._~:=&%*+-]{1,2048})")
_TOPIC_ARN = re.compile(
    r"arn:aws(?P<china>-cn)?(?:-[a-z]+)*:sns:(?P<region>[a-z0-9-]{3,32}):[0-9]{12}:[A-Za-z0-9_.-]{1,256}"
)
_SIGNERS_NAME = re.compile(r"sns(?:-signing)?(?:[.-][a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?")


class SnsPost(BaseModel):
    """A post of SNS: a notification, or one of the two messages about the subscription itself."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    type: Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"] = Field(alias="Type")
    message_id: str = Field(alias="MessageId")
    topic_arn: str = Field(alias="TopicArn")
    message: str = Field(alias="Message")
    timestamp: str = Field(alias="Timestamp")
    signature_version: Literal["1", "2"] = Field(alias="SignatureVersion")
    signature: str = Field(alias="Signature")
    certificate_url: str = Field(alias="SigningCertURL")
    subject: str | None = Field(None, alias="Subject")
    subscribe_url: str = Field("", alias="SubscribeURL")
    token: str = Field("", alias="Token")


def read_post(body: bytes) -> SnsPost | None:
    """Return the post; None where the body is none, such as that of a subscription with raw message delivery."""
    try:
        return SnsPost.model_validate(json.loads(body))
    except (ValidationError, ValueError, RecursionError):
        return None


def certificate_address(post: SnsPost) -> str | None:
    """Return where SNS says its certificate is; None where that is not at SNS in the region of the topic."""
    return post.certificate_url if _is_in_region(_CERTIFICATE_ADDRESS, post.certificate_url, post) else None


def subscribe_address(post: SnsPost) -> str | None:
    """Return the address whose visit confirms the subscription; None where it would do anything else."""
    if post.type != "SubscriptionConfirmation" or not _is_in_region(_SUBSCRIBE_ADDRESS, post.subscribe_url, post):
        return None
    query = parse_qs(post.subscribe_url.partition("?")[2])
    right = query.get("Action") == ["ConfirmSubscription"] and query.get("TopicArn") == [post.topic_arn]
    return post.subscribe_url if right else None


def _is_in_region(pattern: re.Pattern[str], address: str, post: SnsPost) -> bool:
    found, topic = pattern.fullmatch(address), _TOPIC_ARN.fullmatch(post.topic_arn)
    if not found or not topic:
        return False
    return found["region"] == topic["region"] and bool(found["china"]) == bool(topic["china"])


def is_recent_post(post: SnsPost, now: datetime) -> bool:
    """Say whether SNS may still be trying to deliver the post."""
    sent_at = read_time(post.timestamp)
    return sent_at is not None and now - MAX_AGE <= sent_at <= now + _MAX_AHEAD


def is_signed(post: SnsPost, certificate: bytes, now: datetime) -> bool:
    """Say whether the owner of `certificate` (PEM) signed the post, and is SNS, and the certificate is in force.

    SNS publishes its certificates alone, without those that they were issued by: that it is SNS's is known from the
    TLS connection to SNS by which it came, as in AWS's SDKs.
    """
    key = _key(certificate, now)
    if key is None:
        return False
    algorithm = SHA1() if post.signature_version == "1" else SHA256()  # noqa: S303 (the version's)
    try:
        key.verify(decoded_base64(post.signature), signed_text(post), PKCS1v15(), algorithm)
    except (InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def signed_text(post: SnsPost) -> bytes:
    """Return what SNS signs: names and values in alphabetical order, a line each."""
    if post.type == "Notification":
        subject = {} if post.subject is None else {"Subject": post.subject}
        fields = {"Message": post.message, "MessageId": post.message_id, **subject}
    else:
        fields = {"Message": post.message, "MessageId": post.message_id, "SubscribeURL": post.subscribe_url}
    fields["Timestamp"] = post.timestamp
    if post.type != "Notification":
        fields["Token"] = post.token
    fields |= {"TopicArn": post.topic_arn, "Type": post.type}
    return "".join(f"{name}\n{value}\n" for name, value in fields.items()).encode(errors="surrogatepass")


def _key(certificate: bytes, now: datetime) -> RSAPublicKey | None:
    try:
        found = x509.load_pem_x509_certificate(certificate)
        key = found.public_key()
        names = _names(found)
    except (ValueError, UnsupportedAlgorithm):
        return None
    in_force = found.not_valid_before_utc <= now <= found.not_valid_after_utc
    is_signers = any(_SIGNERS_NAME.fullmatch(name) for name in names)
    if not in_force or not is_signers or not isinstance(key, RSAPublicKey) or key.key_size < _MIN_KEY_BITS:
        return None
    return key


def _names(certificate: x509.Certificate) -> list[str]:
    """Return the host names that the certificate is for; its common name where it has no others (RFC 6125, 6.4.4)."""
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return alternatives.value.get_values_for_type(x509.DNSName)
