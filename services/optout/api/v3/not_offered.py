"""Calls that ClickSend offers and Stopline does not, such as voice and short links: 403, as for what is not allowed."""

from fastapi import APIRouter, Request

from services.optout.api.context import CallerAccountId
from services.optout.api.errors import ApiError
from services.optout.api.v3.route import V3Route

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_NOT_OFFERED = (
    "voice", "fax", "post", "mms", "mms-campaigns", "email", "email-campaigns", "transactional-email", "recharge",
    "reseller", "numbers", "automations/voice", "automations/fax", "automations/email", "statistics/voice",
    *(f"sms-campaigns/{{sms_campaign_id}}/link-{what}" for what in ("statistics", "tracking", "export")),
)  # fmt: skip

router = APIRouter(route_class=V3Route)


async def refuse(request: Request, _: CallerAccountId) -> None:
    raise ApiError(403, "forbidden", f"your account may not use {request.url.path}: Stopline does not offer it")


for _name in _NOT_OFFERED:
    for _path in (f"/v3/{_name}", f"/v3/{_name}/{{path:path}}"):
        router.add_api_route(_path, refuse, methods=_METHODS, include_in_schema=False)
