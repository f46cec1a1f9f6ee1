"""The way to the next page of a list: pages by keyset have no numbers."""

from urllib.parse import urlencode

import htpy as h


def pager(
    path: str, following: str | None, *, parameters: dict[str, str] | None = None, is_first: bool = True
) -> h.Renderable | None:
    """Return links to the first and the next page; None where everything fits on one.

    Args:
        path: of the page.
        following: `next`, as the API gives it.
        parameters: of the present page that have to stay, such as a search.
        is_first: whether this is the first page.
    """
    kept = {name: value for name, value in (parameters or {}).items() if value}
    if following is None and is_first:
        return None
    first = h.a(href=_address(path, kept))["First page"]
    more = h.a(".next", rel="next", href=_address(path, {**kept, "after": following or ""}))["Next page"]
    return h.nav(".pager", aria_label="More")[None if is_first else first, more if following is not None else None]


def _address(path: str, parameters: dict[str, str]) -> str:
    return f"{path}?{urlencode(parameters)}" if parameters else path
