"""Hours of a running stack: from the API's answer on messages wait for them, and a check says early until when."""

from datetime import UTC, datetime
from uuid import uuid4

from test_gate_of_a_stack import STOP, opened

from harness.client import Account, produce
from harness.stack.stack import Stack
from shared.events.delivery import MessageWaiting
from shared.events.outbound import MessageRequested

PATH = "/v1/account/sending-hours"
HOURS = {"applies_to": "marketing", "elsewhere": None}


def night() -> str:
    """Return a zone where it is between one and two o'clock."""
    offset = (1 - datetime.now(UTC).hour + 11) % 24 - 11
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"


async def test_hours_count_from_the_apis_answer_on(stopline_stack: Stack, stopline_account: Account) -> None:
    async with opened(stopline_stack, stopline_account) as shop:
        zone = night()
        assert (await shop.outcome(STOP, recipient_zone=zone)).type == "message_sent"
        await shop.call("PUT", PATH, HOURS)
        request = MessageRequested(
            account_id=shop.account.account_id,
            message_id=uuid4().hex,
            list_id=shop.list_id,
            phone=next(shop.phones),
            sender_number="+18335550123",
            body=STOP,
            recipient_zone=zone,
        )
        await produce(shop.stack.backend.kafka_bootstrap, [request])
        waits = await shop.events.of_message(request.message_id, "message_waiting", "message_sent")
        assert isinstance(waits, MessageWaiting)
        assert waits.reason.startswith("quiet_hours:us-")

        asked = {"phone": request.phone, "list_id": shop.list_id, "recipient_zone": zone}
        body = {"messages": [asked, {**asked, "purpose": "transactional"}, {**asked, "recipient_state": "US-TX"}]}
        marketing, code, texan = (await shop.call("POST", "/v1/check", body))["decisions"]
        assert (marketing["allowed"], code["hours"]) == (True, None)
        hours = marketing["hours"]
        assert (hours["open"], datetime.fromisoformat(hours["leaves_at"]), hours["zone"]) == (False, waits.until, zone)
        assert texan["hours"]["rule"].startswith("us-")
        refused = await shop.call("POST", "/v1/check", {"messages": [{**asked, "recipient_state": "Texas"}]}, 422)
        assert "write a code of ISO 3166-2" in refused["error"]["message"]

        assert (await shop.outcome(STOP, recipient_zone=zone, purpose="transactional")).type == "message_sent"
        await shop.call("PUT", PATH, {"applies_to": "off"})
        assert (await shop.outcome(STOP, recipient_zone=zone)).type == "message_sent"
