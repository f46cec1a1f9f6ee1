"""The requests of the webhook benchmark: each is another person's reply, as ClickSend's form or signed by Telnyx."""

import base64
import hashlib
import json
import time
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.webhook_secrets import webhook_secret

ACCOUNT_ID = "bench"
WEBHOOK_KEY = "the-key-of-the-webhook-benchmark"
_SIGNING_KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(WEBHOOK_KEY.encode()).digest())
PUBLIC_KEY = base64.b64encode(_SIGNING_KEY.public_key().public_bytes_raw()).decode()


class WebhookRequests:
    """A source of requests of one gateway."""

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway
        self._path = f"/webhooks/{gateway}/{ACCOUNT_ID}/{webhook_secret(WEBHOOK_KEY, ACCOUNT_ID)}"
        self._count = 0
        self._run = time.time_ns()

    def next(self) -> bytes:
        self._count += 1
        phone = f"1415{5000000 + self._count % 4999999:07d}"
        is_signed = self._gateway == "telnyx"
        body, headers = (self._signed if is_signed else self._form)(phone, f"{self._run}-{self._count}")
        return (
            f"POST {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}"
            f"User-Agent: benchmark\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def _form(self, phone: str, message_id: str) -> tuple[str, str]:
        body = (
            f"from=%2B{phone}&to=%2B14155550199&body=Stop&message_id={message_id}"
            f"&original_message_id=4A1C-{self._count}&custom_string=m-{self._count}&timestamp={int(time.time())}"
            "&original_body=Sale+today.+Reply+STOP+to+opt+out&user_id=1234&subaccount_id=5678"
        )
        return body, "Content-Type: application/x-www-form-urlencoded\r\n"

    def _signed(self, phone: str, message_id: str) -> tuple[str, str]:
        now = datetime.now(UTC)
        to = [
            {
                "phone_number": "+14155550199",
                "status": "webhook_delivered",
                "carrier": "TELNYX LLC",
                "line_type": "VoIP",
            }
        ]
        payload = {
            "record_type": "message", "direction": "inbound", "id": message_id, "type": "SMS",
            "messaging_profile_id": "0f512bda-ae1e-4597-8e11-e5f5686b97d3",
            "organization_id": "b448f9cc-a842-4784-98e9-03c1a5872950",
            "from": {"phone_number": f"+{phone}", "carrier": "T-MOBILE USA, INC.", "line_type": "Wireless"},
            "to": to, "cc": [], "text": "Stop", "media": [], "encoding": "GSM-7", "parts": 1, "tags": [],
            "received_at": now.isoformat(), "errors": [],
        }  # fmt: skip
        data = {"record_type": "event", "id": message_id, "event_type": "message.received", "payload": payload}
        body, timestamp = json.dumps({"data": data, "meta": {"attempt": 1}}), int(now.timestamp())
        signature = base64.b64encode(_SIGNING_KEY.sign(f"{timestamp}|{body}".encode())).decode()
        headers = f"telnyx-signature-ed25519: {signature}\r\ntelnyx-timestamp: {timestamp}\r\n"
        return body, f"Content-Type: application/json\r\n{headers}"
