"""The pages of the dashboard: their places in the navigation, and the roles that they need.

A page is listed here, and its routes in `services/dashboard/pages/__init__.py`.
"""

from dataclasses import dataclass

from services.dashboard.users import PageRole


@dataclass(frozen=True, slots=True)
class PagePlace:
    """The place of a page: everything below its path belongs to it.

    Args:
        path: of the page, without a slash at its end.
        name: in the navigation; empty: it is reached from other pages only.
        reads: the role that sees it.
        changes: the role that may send its forms.
        is_of_account: whether only the account itself sees it, signed in with its own id and API key.
    """

    path: str
    name: str
    reads: PageRole = "read"
    changes: PageRole = "operate"
    is_of_account: bool = False

    def has(self, path: str) -> bool:
        return path == self.path or path.startswith(f"{self.path.rstrip('/')}/")


PLACES = (
    PagePlace("/overview", "Overview"),
    PagePlace("/review", "Review"),
    PagePlace("/lists", "Lists"),
    PagePlace("/opt-outs", "Opt-out list"),
    PagePlace("/numbers", ""),
    PagePlace("/campaigns", "Campaigns"),
    PagePlace("/rules", "Rules", changes="administer"),
    PagePlace("/policies", "", reads="administer", changes="administer", is_of_account=True),
    PagePlace("/gateways", "Gateways"),
    PagePlace("/parked", "Parked", changes="read"),
)
"""In the order of the navigation."""


def page_place(path: str) -> PagePlace | None:
    """Return the place that a path belongs to."""
    return next((place for place in PLACES if place.has(path)), None)


FIRST_PAGE = "/overview"


def safe_path(path: str) -> str:
    """Return where to lead somebody: a path of this site, whatever the address asked for."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\", "/sign-")) and path.isprintable()
    return path if is_ours and "\\" not in path else FIRST_PAGE
