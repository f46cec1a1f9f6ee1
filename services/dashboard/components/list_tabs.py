"""The head of a list's pages: its name, and a tab for each thing that is done with it."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import htpy as h

from services.dashboard.users import SignedInUser

ListTab: TypeAlias = Literal["contacts", "import", "clean-up"]
_TABS: tuple[tuple[ListTab, str, str], ...] = (
    ("contacts", "Contacts", ""),
    ("import", "Import", "/import"),
    ("clean-up", "Clean up", "/clean-up"),
)
_FOR_ALL: tuple[ListTab, ...] = ("contacts", "clean-up")


def list_head(found: Mapping[str, Any], here: ListTab | None, user: SignedInUser) -> h.Node:
    """Return the head; who may change nothing is not offered what they may not do."""
    path = f"/lists/{found['list_id']}"
    shown = [each for each in _TABS if user.may("operate") or each[0] in _FOR_ALL]
    return [
        h.p(".hint.crumb")[h.a(href="/lists")["Lists"]],
        h.div(".title-row")[h.h1[found["name"]], h.a(href=f"{path}/export.csv", download=True)["Export as CSV"]],
        h.nav(".tabs", aria_label="This list")[
            (h.a(href=path + ending, aria_current="page" if tab == here else None)[name] for tab, name, ending in shown)
        ],
    ]
