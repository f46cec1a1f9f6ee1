"""Whatever a gateway signs is answered, and never with a 5xx: events, parked bytes, or nothing."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from gateway_signers import SHARED, Signed, telnyx, vonage_messages
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.inbound.app import create_app
from services.inbound.fields import FORM
from services.inbound.gateways import MESSAGES, RECEIPTS
from services.inbound.gateways.reported import read_webhook
from services.inbound.kafka_link import KafkaLink
from services.inbound.publish import Publisher
from services.inbound.records import records_of
from services.inbound.responses import WebhookError
from services.inbound.runtime import Runtime
from services.inbound.settings import InboundSettings
from shared.http import lifecycle_of
from shared.webhook_secrets import webhook_secret

FOLDER = Path(__file__).parents[3] / "data" / "gateways"
EXAMPLES = {file.stem: json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.json"))}
NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
KEY = "the-webhook-key-of-these-tests-only"

_ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.just("+14155550100"),
    st.lists(st.integers(), max_size=3), st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)  # fmt: skip


def changed(data: st.DataObject, value: Any) -> Any:
    """Return a documented body with some of its values replaced, missing or doubled."""
    match value:
        case dict():
            kept = {name: changed(data, each) for name, each in value.items() if data.draw(st.integers(0, 9))}
            return kept | ({"odd": data.draw(_ODD)} if not data.draw(st.integers(0, 3)) else {})
        case list():
            return [changed(data, each) for each in value for _ in range(data.draw(st.integers(0, 2)))]
        case _:
            return value if data.draw(st.integers(0, 4)) else data.draw(_ODD)


@pytest.mark.parametrize("gateway", sorted(EXAMPLES))
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_changed_example_is_events_that_can_be_published_or_a_refusal(gateway: str, data: st.DataObject) -> None:
    example = data.draw(st.sampled_from(EXAMPLES[gateway]))
    body = changed(data, example.get("body") or example.get("form") or {})
    is_form = "form" in example and isinstance(body, dict)
    content = (FORM, urlencode(body, errors="replace")) if is_form else ("application/json", json.dumps(body))
    model = {"message": MESSAGES, "receipt": RECEIPTS}[example["address"]][gateway]
    for event in read_webhook(model, "acme", content[0], content[1].encode(), NOW):
        if isinstance(event, WebhookError):
            assert 400 <= event.status_code < 500
        else:
            assert records_of(event, 6)


def started_app() -> Any:
    vonage = {"signature_secret": SHARED, "api_key": "abcd1234"}
    secrets = json.dumps({"acme": {"telnyx": telnyx().credential.model_dump(), "vonage-messages": vonage}})
    required = {"kafka_bootstrap": "127.0.0.1:1", "http_port": 1, "webhook_key": KEY}
    its_settings = InboundSettings.model_validate({**required, "gateway_secrets": secrets})
    app = create_app(its_settings)
    link = KafkaLink(its_settings, lambda _: None)
    lifecycle_of(app).runtime = Runtime(link, Publisher(link))
    return app


@pytest.mark.parametrize(("scheme", "gateway"), [(telnyx, "telnyx"), (vonage_messages, "vonage-messages")])
@pytest.mark.parametrize("end", ["", "/receipts"])
async def test_any_signed_bytes_are_answered(
    scheme: Callable[..., Signed], gateway: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[Any] = []

    async def publish(_: Publisher, record: Any) -> None:
        published.append(record)

    monkeypatch.setattr(Publisher, "publish", publish)
    address = f"/webhooks/{gateway}/acme/{webhook_secret(KEY, 'acme')}{end}"
    bodies = st.one_of(st.binary(max_size=60), st.recursive(_ODD, lambda x: st.lists(x, max_size=3)).map(_as_json))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(started_app()), base_url="http://inbound") as http:
        for body in [b"", b"{", b"[]", b"null", b"[" * 20_000, b'{"a":' * 900, *_some(bodies, 60)]:
            signed = scheme(at=datetime.now(UTC), body=body)
            published.clear()
            answer = await http.post(
                address, content=body, headers={"content-type": "application/json", **signed.headers}
            )
            assert answer.status_code == 200, (body, answer.text)
            assert (answer.json().get("status") == "ignored") == (not published), "what is not ignored leaves a trace"


def _as_json(value: Any) -> bytes:
    return json.dumps({"data": {"event_type": "message.received", "payload": value}, "from": value}).encode()


def _some(bodies: st.SearchStrategy[bytes], count: int) -> list[bytes]:
    found: list[bytes] = []

    @settings(max_examples=count, database=None)
    @given(bodies)
    def collect(body: bytes) -> None:
        found.append(body)

    collect()
    return found
