"""A visit: who looks at a page, the API with their session, and how the page is answered.

Every page is a function of a `Visit`. Before it runs, it is known who it is, that their role may see the page, and,
where it changes something, that a page of ours asked for it.
"""

from dataclasses import dataclass, field
from typing import Annotated, TypeAlias
from urllib.parse import quote, urlsplit

import htpy as h
from fastapi import Depends
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.dashboard import metrics
from services.dashboard.api import SessionApi
from services.dashboard.csrf import FIELD, check_csrf, csrf_token
from services.dashboard.layout import whole_page
from services.dashboard.places import FIRST_PAGE, page_place, safe_path
from services.dashboard.refusals import PageError, SignInNeededError, not_found
from services.dashboard.runtime import DashboardRuntime, Runtime
from services.dashboard.users import SignedInUser

READING = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class PageVisit:
    """A visit of somebody who is signed in.

    Attributes:
        api: the customer API with their session.
        user: their account, name and role.
        csrf: the token that every form has to carry; see `csrf_field`.
        token: of the session.
    """

    request: Request
    api: SessionApi
    user: SignedInUser
    csrf: str
    token: str = field(repr=False)

    @property
    def is_partial(self) -> bool:
        """Whether htmx asks, for a part of a page and not for a whole one."""
        return is_partial(self.request)

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
        count_page(self.request, status)
        return HTMLResponse(str(content), status, {"Vary": "HX-Request"})


def count_page(request: Request, status: int) -> None:
    """Count a page, or a part of one, that is answered."""
    place = page_place(request.url.path)
    metrics.PAGES.labels(place.path if place else "other", str(status)).inc()


def is_partial(request: Request) -> bool:
    """Return whether htmx asks, for a part of a page and not for a whole one."""
    headers = request.headers
    return headers.get("HX-Request") == "true" and headers.get("HX-History-Restore-Request") != "true"


def client_address(request: Request) -> str:
    """Return the address of the client: that of the proxy, unless STOPLINE_TRUSTED_PROXIES names it."""
    return request.client.host if request.client else ""


async def _visit(request: Request, runtime: DashboardRuntime) -> PageVisit:
    visit = await identified(request, runtime)
    request.state.visit = visit
    _check_role(request, visit.user)
    if request.method not in READING:
        await check_csrf(request, visit.token)
    return visit


async def identified(request: Request, runtime: Runtime) -> PageVisit:
    """Return whose visit it is, and check nothing else of it; nothing of the body is read.

    Raises:
        SignInNeededError: there is no session.
        SignedOutError: it has ended; others as of `SessionApi`.
    """
    token = runtime.session_cookie.read(request)
    if token is None:
        raise SignInNeededError
    api = SessionApi(runtime.api, token, client_address(request))
    return PageVisit(request, api, await runtime.users.find(token, api), csrf_token(token), token)


def visit_of(request: Request) -> PageVisit | None:
    """Return the visit, where it is known already whose it is: a page that goes wrong is still theirs."""
    visit: PageVisit | None = getattr(request.state, "visit", None)
    return visit


def _check_role(request: Request, user: SignedInUser) -> None:
    place = page_place(request.url.path)
    if place is None:
        raise not_found()
    if place.is_of_account and not user.is_account:
        text = f"Only the account itself may do this, signed in with its own id and API key; you are {user.name}."
        raise PageError(403, "This is for the account itself", text)
    needed = place.reads if request.method in READING else place.changes
    if not user.may(needed):
        text = (
            f"This takes the role “{needed}”; {user.name} has the role “{user.role}”. Ask who administers the account."
        )
        raise PageError(403, "Your role does not allow this", text)


Visit: TypeAlias = Annotated[PageVisit, Depends(_visit)]
"""The visit, as a parameter of a page."""


def sign_in_path(request: Request) -> str:
    """Return where somebody signs in, to be led back to the page that they looked at."""
    asked = shown_page(request) if request.method in READING else "/"
    return f"/sign-in?next={quote(asked, safe='/')}" if asked not in ("/", FIRST_PAGE) else "/sign-in"


def shown_page(request: Request) -> str:
    """Return the page that is asked for; of a part of one that htmx asks for, the page that it is a part of."""
    address = request.headers.get("HX-Current-URL", "") if is_partial(request) else str(request.url)
    parts = urlsplit(address)
    return safe_path(parts.path + (f"?{parts.query}" if parts.query else ""))
