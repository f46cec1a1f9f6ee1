"""Protection against requests that another site makes in somebody's name.

Every change carries a token that only pages of this site have: it is derived from the session's cookie, which scripts
cannot read, so that nothing has to be kept. Browsers say besides which site a request comes from.
"""

import hashlib
import hmac

from starlette.requests import Request

from services.dashboard.refusals import PageError

FIELD = "csrf"
HEADER = "X-CSRF-Token"
_OURS = ("same-origin", "none", "")


def csrf_token(secret: str) -> str:
    """Return the token of whoever has this cookie."""
    return hmac.new(secret.encode(), b"stopline csrf", hashlib.sha256).hexdigest()


async def check_csrf(request: Request, secret: str) -> None:
    """Check that a change was asked for by a page of ours.

    Raises:
        PageError: 403, with what to do.
    """
    if request.headers.get("Sec-Fetch-Site", "") not in _OURS:
        raise PageError(403, "This was sent by another site", "Nothing was changed. Open the page here and try again.")
    given = request.headers.get(HEADER) or await _of_form(request)
    if not hmac.compare_digest(given.encode(), csrf_token(secret).encode()):
        raise PageError(
            403, "This page is from another session", "Nothing was changed. Go back, reload the page and try again."
        )


async def _of_form(request: Request) -> str:
    if "form" not in request.headers.get("Content-Type", ""):
        return ""
    given = (await request.form()).get(FIELD, "")
    return given if isinstance(given, str) else ""
