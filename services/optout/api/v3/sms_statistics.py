"""How many messages an account sent, received and had refused, per day of the last month."""

from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from services.optout.api.context import CallerAccountId, Database
from services.optout.api.v3.envelope import Envelope, success
from services.optout.api.v3.models import Answer, Currency
from services.optout.api.v3.route import V3Route
from services.optout.sending.status import NOT_DELIVERED

_DAYS = 30

# Entries that are not a reply do not count; those that were erased have spaces after their colons.
PER_DAY = """
WITH counted AS (
    SELECT date_trunc('day', created_at, 'UTC') AS day, count(*) AS outbound,
        count(*) FILTER (WHERE status = ANY($3::text[])) AS bounced, 0 AS inbound
    FROM messages WHERE account_id = $1 AND created_at >= $2 AND status NOT IN ('scheduled', 'cancelled') GROUP BY 1
    UNION ALL
    SELECT date_trunc('day', decided_at, 'UTC'), 0, 0, count(*)
    FROM decisions WHERE account_id = $1 AND decided_at >= $2 AND entry !~ '"reason": ?"another_number"'
        AND entry !~ '"gateway": ?"(review|request)"'
    GROUP BY 1
)
SELECT day, sum(outbound)::bigint AS outbound, sum(inbound)::bigint AS inbound, sum(bounced)::bigint AS bounced
FROM counted GROUP BY day ORDER BY day
"""

router = APIRouter(route_class=V3Route)


class CountAndPrice(Answer):
    count: int
    price: float = 0.0


class Counts(Answer):
    """The numbers of messages that were sent, that came in, and that were not delivered."""

    outbound: CountAndPrice
    inbound: CountAndPrice
    bounced: CountAndPrice


class CountsOfDay(Counts):
    """The counts of a day; `date` is its start in UTC."""

    date: int


class SmsStatistics(Answer):
    """The counts of each day that had any, and their sum."""

    total: Counts
    stats: list[CountsOfDay]
    currency: Currency = Field(default=Currency(), alias="_currency")


@router.get("/v3/statistics/sms")
async def read_statistics(account_id: CallerAccountId, database: Database) -> Envelope[SmsStatistics]:
    """Return the counts of the last 30 days."""
    since = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=_DAYS)
    rows = await database.fetch(PER_DAY, account_id, since, list(NOT_DELIVERED))
    stats = [CountsOfDay(date=int(row["day"].timestamp()), **_counts(row)) for row in rows]
    kinds = ("outbound", "inbound", "bounced")
    total = Counts(**_counts({kind: sum(row[kind] for row in rows) for kind in kinds}))
    return success("Here are your statistics.", SmsStatistics(total=total, stats=stats))


def _counts(row: Any) -> dict[str, Any]:
    return {kind: CountAndPrice(count=row[kind]) for kind in ("outbound", "inbound", "bounced")}
