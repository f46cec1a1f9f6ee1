"""The outcomes of a campaign's messages, as far as the sender and receipts have reported them."""

from services.optout.campaigns.campaign import Campaign
from shared.postgres import Connection

# How many of a campaign's messages have each status.
COUNTS = """
SELECT status, count(*) FROM messages WHERE account_id = $1 AND campaign_id = $2 GROUP BY status
"""


async def status_counts(connection: Connection, campaign: Campaign) -> dict[str, int]:
    """Return how many messages have each status."""
    rows = await connection.fetch(COUNTS, campaign.account_id, campaign.campaign_id)
    return {row["status"]: row["count"] for row in rows}
