"""Delivery receipts as customers see them, and the calls to the addresses that their receipt rules name."""

import json
from collections.abc import Collection
from typing import Any
from uuid import UUID

from shared.events.base import derived_id
from shared.postgres import Connection

CODES = {"delivered": 201, "pending": 200}
"""ClickSend's codes of a receipt's status; every other is `FAILED`."""
FAILED = 301

# A receipt's message is ours where it has one; `r` is the receipt, `m` its message.
COLUMNS = """
coalesce(r.message_id, r.carrier_message_id) AS message_id, r.status, r.gateway_status, r.received_at,
    m.custom_string, m.dispatched_at, m.subaccount_id
"""
JOINED = "receipts r LEFT JOIN messages m ON m.account_id = r.account_id AND m.message_id = r.message_id"

# What rules hand on of these receipts: those whose message is known, whichever of the two came first.
FOR_RULES = f"""
SELECT {COLUMNS}, r.receipt_id, rule.account_id, rule.receipt_rule_id, rule.version, rule.action_address
FROM {JOINED} JOIN receipt_rules rule ON rule.account_id = r.account_id AND rule.enabled AND rule.action = 'URL'
WHERE r.receipt_id = ANY($1::uuid[]) AND r.message_id IS NOT NULL
"""  # noqa: S608 (no value from outside)

ADD_CALLS = """
INSERT INTO webhook_deliveries
    (delivery_id, account_id, rule_id, rule_version, event_id, url, webhook_type, body, is_receipt)
SELECT delivery_id, account_id, rule_id, rule_version, event_id, url, 'post', body, true
FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::int[], $5::uuid[], $6::text[], $7::jsonb[])
    AS given (delivery_id, account_id, rule_id, rule_version, event_id, url, body)
ON CONFLICT DO NOTHING
"""


def receipt_fields(row: Any) -> dict[str, Any]:
    """Return a receipt under ClickSend's names; `row` has `COLUMNS`."""
    failed = row["status"] not in CODES
    return {
        "timestamp_send": int((row["dispatched_at"] or row["received_at"]).timestamp()),
        "timestamp": int(row["received_at"].timestamp()),
        "message_id": row["message_id"],
        "status_code": CODES.get(row["status"], FAILED),
        "status_text": row["gateway_status"],
        "error_code": FAILED if failed else None,
        "error_text": row["gateway_status"] if failed else None,
        "custom_string": row["custom_string"],
        "subaccount_id": row["subaccount_id"] or 0,
        "message_type": "sms",
    }


async def hand_on(connection: Connection, receipt_ids: Collection[UUID]) -> None:
    """Add a call for each of the receipts and each rule that hands it on; one that was added before is not added."""
    rows = await connection.fetch(FOR_RULES, list(receipt_ids))
    if rows:
        await connection.execute(ADD_CALLS, *zip(*map(_call, rows), strict=True))


def _call(row: Any) -> tuple[object, ...]:
    delivery_id = derived_id(row["receipt_id"], "receipt_rule", str(row["receipt_rule_id"]))
    rule = row["receipt_rule_id"], row["version"]
    body = json.dumps(receipt_fields(row))
    return delivery_id, row["account_id"], *rule, row["receipt_id"], row["action_address"], body
