"""All routes of the customer API in one router."""

from fastapi import APIRouter

from services.optout.api import (
    accounts,
    api_keys,
    campaign_preview,
    campaigns,
    clean_ups,
    contact_files,
    contact_pages,
    contacts,
    erasures,
    evidence,
    explain,
    exports,
    frequency_cap,
    gate,
    gateways,
    imports,
    inbox,
    jobs,
    list_actions,
    lists,
    numbers,
    opt_out_confirmation,
    opt_out_imports,
    opt_outs,
    policies,
    preferences,
    reassigned_numbers,
    review,
    rules,
    sending_hours,
    sessions,
    simulate,
    statistics,
    suppressions,
    uploads,
    users,
)
from services.optout.api.check import route as check
from services.optout.api.live import route as live
from services.optout.api.no_route import no_route
from services.optout.api.parked import route as parked
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.v3.routes import v3_routes

api_routes = APIRouter()
for part in (
    accounts,
    api_keys,
    sessions,
    users,
    gate,
    gateways,
    opt_out_confirmation,
    sending_hours,
    frequency_cap,
    lists,
    contacts,
    contact_pages,
    contact_files,
    opt_outs,
    exports,
    numbers,
    preferences,
    suppressions,
    check,
    inbox,
    review,
    jobs,
    imports,
    clean_ups,
    list_actions,
    opt_out_imports,
    reassigned_numbers,
    uploads,
    evidence,
    erasures,
    campaign_preview,
    campaigns,
    explain,
    rules,
    simulate,
    statistics,
    live,
    policies,
    parked,
):
    api_routes.include_router(part.router)

api_routes.include_router(uploads.uploads)
api_routes.include_router(contact_files.contact_files)

api_routes.include_router(no_route("v1", GuardedRoute))
api_routes.include_router(v3_routes)
