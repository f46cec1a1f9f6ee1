"""The button of a page that was pressed, or the one click of a mail program (RFC 8058)."""

import re
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from services.optout.links.limits import BODY_BYTES
from services.optout.links.page import PressedButton
from shared.deadlines import Deadlines

_MAX_FIELDS = 8
_CHOICES: dict[str, PressedButton] = {"list": "list", "all": "all", "undo": "undo"}
_ONE_CLICK_PART = re.compile(rb'name="?List-Unsubscribe"?[ ;\t]*(\r\n[^\r\n]+)*\r\n\r\nOne-Click\r\n', re.IGNORECASE)
"""With whatever headers of the part follow its name, such as Content-Type."""


async def choice_of(request: Request, deadlines: Deadlines) -> PressedButton | None:
    """Return what the request asks for; None where it does not say, or not by the deadline."""
    body = await _body(request, deadlines)
    if body is None:
        return None
    if request.headers.get("Content-Type", "").lower().startswith("multipart/form-data"):
        return "list" if _ONE_CLICK_PART.search(body) else None
    try:
        fields = dict(parse_qsl(body.decode("ascii"), max_num_fields=_MAX_FIELDS))
    except ValueError:
        return None
    if fields.get("List-Unsubscribe") == "One-Click":
        return "list"
    return _CHOICES.get(fields.get("choice", ""))


async def _body(request: Request, deadlines: Deadlines) -> bytes | None:
    """Return the body; None where it is too long, or does not come."""
    body = b""
    try:
        with deadlines.new():
            async for part in request.stream():
                body += part
                if len(body) > BODY_BYTES:
                    return None
    except (TimeoutError, ClientDisconnect):
        return None
    return body
