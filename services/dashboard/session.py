"""The session cookie: the token of the API's session, out of reach of scripts, and sent by this site alone.

Nothing of a session is kept here: any number of dashboards serve the same people, and a restart signs nobody out.
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

LIFE_SECONDS = 12 * 60 * 60
"""As the API's sessions live: a cookie that outlived them would be of no use."""
OPERATOR_SECONDS = 60 * 60
"""As the API's sessions of operators live."""
_MAX_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """The cookie of a purpose: `session`, `sign-in` before there is one, `operator` for parked records.

    Over https its name has the prefix `__Host-`, so that neither another host of the domain nor plain HTTP can set it.
    Without, it has the port, because cookies are shared by all ports of a machine.
    """

    purpose: str
    is_https: bool | None

    def read(self, request: Request) -> str | None:
        """Return its value; None: there is none that could be ours."""
        value = request.cookies.get(self._name(request), "")
        return value if value and len(value) <= _MAX_CHARACTERS and value.isascii() else None

    def write(self, request: Request, response: Response, value: str, seconds: int = LIFE_SECONDS) -> None:
        response.set_cookie(
            self._name(request),
            value,
            max_age=seconds,
            path="/",
            secure=self._is_secure(request),
            httponly=True,
            samesite="lax",
        )

    def remove(self, request: Request, response: Response) -> None:
        self.write(request, response, "", 0)

    def _name(self, request: Request) -> str:
        if self._is_secure(request):
            return f"__Host-stopline-{self.purpose}"
        return f"stopline-{self.purpose}-{request.url.port or 0}"

    def _is_secure(self, request: Request) -> bool:
        return request.url.scheme == "https" if self.is_https is None else self.is_https


def operator_cookie(is_https: bool | None) -> SessionCookie:  # noqa: FBT001 (as the settings have it)
    """Return the cookie of who has given the operator's token; it ends with their session at the latest."""
    return SessionCookie("operator", is_https)
