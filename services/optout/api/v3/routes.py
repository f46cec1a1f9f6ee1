"""All routes of `/v3` in one router."""

from fastapi import APIRouter

from services.optout.api.no_route import no_route
from services.optout.api.v3 import (
    account,
    campaigns,
    contact_moves,
    contacts,
    lists,
    not_offered,
    receipt_rules,
    rules,
    search,
    sms,
    sms_history,
    sms_inbound,
    sms_receipts,
    sms_statistics,
    sms_templates,
    subaccounts,
)
from services.optout.api.v3.route import V3Route

v3_routes = APIRouter()
for part in (
    sms,
    sms_templates,
    sms_receipts,
    sms_inbound,
    sms_history,
    sms_statistics,
    rules,
    receipt_rules,
    campaigns,
    account,
    subaccounts,
    lists,
    contacts,
    contact_moves,
    search,
    not_offered,
):
    v3_routes.include_router(part.router)

v3_routes.include_router(no_route("v3", V3Route))
