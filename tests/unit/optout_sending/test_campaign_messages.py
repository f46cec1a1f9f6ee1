"""What a campaign's messages say for their hours: the campaign's purpose, and the state of each member's address."""

from datetime import UTC, datetime
from typing import Any

from services.optout.campaigns.campaign import Campaign
from services.optout.campaigns.expand import messages_for
from services.optout.campaigns.members import Member

NOW = datetime(2026, 6, 8, 12, tzinfo=UTC)


def campaign(**changes: Any) -> Campaign:
    fields: dict[str, Any] = dict.fromkeys(Campaign.__slots__)
    fields |= {"campaign_id": 1, "account_id": "acme", "list_id": 7, "sender_number": "ACME", "purpose": "marketing"}
    return Campaign(**{**fields, "body": "Sale. Reply STOP to opt out", **changes})


def test_each_message_has_the_purpose_of_its_campaign_and_the_state_of_its_member() -> None:
    members = [
        Member(1, "+12125550101", {"address_state": "Texas", "address_country": "US"}),
        Member(2, "+12125550102", {"address_state": "somewhere"}),
        Member(3, "+447700900123", {}),
    ]
    made = [message.request for message in messages_for(campaign(), members, NOW)]
    assert [(each.purpose, each.recipient_state) for each in made] == [
        ("marketing", "US-TX"),
        ("marketing", None),
        ("marketing", None),
    ]
    (only,) = messages_for(campaign(purpose="transactional"), members[:1], NOW)
    assert only.request.purpose == "transactional"
