"""A visit: who looks at a page, the API with their session, and how the page is answered.

Every page is a function of a `Visit`. Before it runs, it is known who it is, that their role may see the page, and,
where it changes something, that a page of ours asked for it.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias
from urllib.parse import quote

import htpy as h
from fastapi import Depends
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.dashboard import metrics
from services.dashboard.api import SessionApi
from services.dashboard.csrf import FIELD, check_csrf, csrf_token
from services.dashboard.layout import whole_page
from services.dashboard.places import page_place
from services.dashboard.refusals import PageError, SignInNeededError, not_found
from services.dashboard.runtime import DashboardRuntime
from services.dashboard.users import SignedInUser

_READING = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class PageVisit:
    """A visit of somebody who is signed in.

    Attributes:
        api: the customer API with their session.
        user: their account, name and role.
        csrf: the token that every form has to carry; see `csrf_field`.
    """

    request: Request
    api: SessionApi
    user: SignedInUser
    csrf: str

    @property
    def is_partial(self) -> bool:
        """Whether htmx asks, for a part of a page and not for a whole one."""
        headers = self.request.headers
        return headers.get("HX-Request") == "true" and headers.get("HX-History-Restore-Request") != "true"

    @property
    def csrf_field(self) -> h.Node:
        """The hidden field of a form; what htmx sends has the token without it."""
        return h.input(type="hidden", name=FIELD, value=self.csrf)

    def page(self, title: str, *content: h.Node, status: int = 200) -> Response:
        """Return the page, or only its content where htmx asks for it."""
        if self.is_partial:
            return self.part(*content, status=status)
        return self._answer(whole_page(title, self.request.url.path, self.user, self.csrf, *content), status)

    def part(self, *content: h.Node, status: int = 200) -> Response:
        """Return a part of a page, for htmx to put in its place."""
        return self._answer(h.fragment[content], status)

    def redirect(self, path: str) -> Response:
        """Lead to another page of ours after a change, so that a reload does not make it again."""
        if self.is_partial:
            return Response(status_code=204, headers={"HX-Redirect": path})
        return RedirectResponse(path, 303)

    def _answer(self, content: h.Renderable, status: int) -> Response:
        place = page_place(self.request.url.path)
        metrics.PAGES.labels(place.path if place else "other", str(status)).inc()
        return HTMLResponse(str(content), status, {"Vary": "HX-Request"})


def client_address(request: Request) -> str:
    """Return the address of the client: that of the proxy, unless STOPLINE_TRUSTED_PROXIES names it."""
    return request.client.host if request.client else ""


async def _visit(request: Request, runtime: DashboardRuntime) -> PageVisit:
    token = runtime.session_cookie.read(request)
    if token is None:
        raise SignInNeededError
    api = SessionApi(runtime.api, token, client_address(request))
    user = await runtime.users.find(token, api)
    _check_role(request, user)
    if request.method not in _READING:
        await check_csrf(request, token)
    return PageVisit(request, api, user, csrf_token(token))


def _check_role(request: Request, user: SignedInUser) -> None:
    place = page_place(request.url.path)
    if place is None:
        raise not_found()
    needed = place.reads if request.method in _READING else place.changes
    if not user.may(needed):
        text = (
            f"This takes the role “{needed}”; {user.name} has the role “{user.role}”. Ask who administers the account."
        )
        raise PageError(403, "Your role does not allow this", text)


Visit: TypeAlias = Annotated[PageVisit, Depends(_visit)]
"""The visit, as a parameter of a page."""


def sign_in_path(request: Request) -> str:
    """Return where somebody signs in, to be led back to the page that they asked for."""
    asked = request.url.path if request.method in _READING else ""
    query = f"?{request.url.query}" if request.url.query else ""
    return f"/sign-in?next={quote(asked + query, safe='/')}" if asked not in ("", "/") else "/sign-in"
