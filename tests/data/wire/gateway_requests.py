"""Requests as gateways make them, and a certificate of SNS's kind that a test signs with."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from services.inbound.gateways.request import GatewayRequest

ORIGIN = "https://hooks.example.com"
TOPIC = "arn:aws:sns:us-east-1:123456789012:replies"
CERTIFICATE_ADDRESS = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
SUBSCRIBE_ADDRESS = f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f"


def gateway_request(  # noqa: PLR0913 (the parts of a request)
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
    path: str = "/webhooks/gateway/acme/secret",
    query: str = "",
    now: datetime | None = None,
    certificates: Mapping[str, bytes] | None = None,
) -> GatewayRequest:
    async def certificate(address: str) -> bytes | None:
        return (certificates or {}).get(address)

    received_at = now or datetime.now(UTC)
    sent_headers = {name.lower(): value for name, value in (headers or {}).items()}  # as ASGI has them
    return GatewayRequest(method, ORIGIN, path, sent_headers, query.encode(), body, received_at, certificate)


@dataclass
class SnsSigner:
    """A key and its certificate, as SNS has them."""

    name: str = "sns.amazonaws.com"
    valid_from: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(days=1))
    valid_until: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(days=30))
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    has_alternative_names: bool = True

    @property
    def pem(self) -> bytes:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(17)
            .not_valid_before(self.valid_from)
            .not_valid_after(self.valid_until)
        )
        if self.has_alternative_names:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(self.name)]), critical=False)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def signed(self, post: Mapping[str, Any], version: str = "2") -> bytes:
        """Return the body of the post, signed as AWS's documentation says."""
        signed = {**post, "SignatureVersion": version}
        if signed["Type"] == "Notification":
            names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        else:
            names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
        lines = "".join(f"{name}\n{signed[name]}\n" for name in names if name in signed)
        algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303 (the version's)
        signature = self.key.sign(lines.encode(), padding.PKCS1v15(), algorithm)
        return json.dumps({**signed, "Signature": base64.b64encode(signature).decode()}).encode()


def sns_time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def notification(message: object, **changed: Any) -> dict[str, Any]:
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": sns_time(datetime.now(UTC)),
        "SigningCertURL": CERTIFICATE_ADDRESS,
        "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
        **changed,
    }


def confirmation(**changed: Any) -> dict[str, Any]:
    return {
        **notification("You have chosen to subscribe to the topic.", Type="SubscriptionConfirmation"),
        "SubscribeURL": SUBSCRIBE_ADDRESS,
        "Token": "2336412f",
        **changed,
    }
