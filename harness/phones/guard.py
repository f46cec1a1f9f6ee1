"""The checks of who may use the page: a browser on this machine that opened the page itself. Pure.

Whoever runs the demo has other websites open. None of them may press a button here, read what is shown, or take the
page over by a DNS name that begins to point at this machine ("DNS rebinding").
"""

import hmac
import re
from collections.abc import Mapping

TOKEN_HEADER = "X-Stopline-Token"  # noqa: S105 (the name of a header)
_LOCAL_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_OWN_TAB = ("same-origin", "none")
"""The values of `Sec-Fetch-Site` for what the page itself loads, and for an address that somebody typed."""

RequestHeaders = Mapping[str, str]


def refusal_of_host(headers: RequestHeaders) -> str | None:
    """Return why the request is refused; None where it was sent to this machine by a name that only it has.

    A website's own name may be made to point here; then the browser sends that name as the host.
    """
    if _LOCAL_HOST.fullmatch(headers.get("Host", "")):
        return None
    return "open this page as http://127.0.0.1 or http://localhost: other names are refused, whoever they point at"


def refusal_of_reading(headers: RequestHeaders) -> str | None:
    """Return why something of the page (not the page itself) may not be read: another website asks for it."""
    if headers.get("Sec-Fetch-Site", "none").lower() in _OWN_TAB:
        return None
    return "another website asked for this; open the page itself"


def refusal_of_acting(headers: RequestHeaders, token: str) -> str | None:
    """Return why a button may not be pressed; None where the page itself sends it, with the token that it was given."""
    if headers.get("Origin", "").lower() != f"http://{headers.get('Host', '')}".lower():
        return "Origin: only the page itself may do this; send the page's own address"
    if headers.get("Sec-Fetch-Site", "same-origin").lower() != "same-origin":
        return "Sec-Fetch-Site: only the page itself may do this"
    if not hmac.compare_digest(headers.get(TOKEN_HEADER, "").encode(), token.encode()):
        return f"{TOKEN_HEADER}: the token is missing or was another start's; reload the page"
    return None
