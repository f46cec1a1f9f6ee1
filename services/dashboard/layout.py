"""The frame of every page: head, navigation, who is signed in, and where the content goes."""

import json

import htpy as h

from services.dashboard.csrf import FIELD, HEADER
from services.dashboard.places import PLACES, page_place
from services.dashboard.static_files import static
from services.dashboard.users import SignedInUser

_STYLES = ("pico-2.1.1.classless.min.css", "uplot-1.6.32.min.css", "stopline.css", "stopline-work.css")
_SCRIPTS = ("htmx-2.0.11.min.js", "htmx-sse-2.2.4.min.js", "uplot-1.6.32.min.js", "stopline.js", "stopline-keys.js")
_HTMX = {
    "allowEval": False,
    "allowScriptTags": False,
    "historyCacheSize": 0,
    "includeIndicatorStyles": False,
    "refreshOnHistoryMiss": True,
    "selfRequestsOnly": True,
    "responseHandling": [{"code": "204", "swap": False}, {"code": "...", "swap": True}],
}


def _head(title: str) -> h.Node:
    return h.head[
        h.meta(charset="utf-8"),
        h.title[f"{title} · Stopline"],
        h.meta(name="viewport", content="width=device-width, initial-scale=1"),
        h.meta(name="color-scheme", content="light dark"),
        h.meta(name="htmx-config", content=json.dumps(_HTMX)),
        h.link(rel="icon", href=static("icon.svg"), type="image/svg+xml"),
        [h.link(rel="stylesheet", href=static(name)) for name in _STYLES],
        [h.script(src=static(name), defer=True) for name in _SCRIPTS],
    ]


def whole_page(title: str, path: str, user: SignedInUser, csrf: str, *content: h.Node) -> h.Renderable:
    """Return a page for somebody who is signed in."""
    return h.html(lang="en")[
        _head(title),
        h.body(hx_headers=json.dumps({HEADER: csrf}))[
            h.a(".skip", href="#main")["Skip to the content"],
            h.header(".bar")[_brand(), _find_number(), h.div(".who")[h.span[user.account_name], _sign_out(user, csrf)]],
            h.div(".frame")[
                h.nav(".places", aria_label="Pages")[
                    h.ul[[_link(each.path, each.name, path) for each in PLACES if each.name]]
                ],
                h.main("#main", tabindex="-1")[content],
            ],
        ],
    ]


def plain_page(title: str, *content: h.Node) -> h.Renderable:
    """Return a page for nobody in particular: signing in, and errors."""
    return h.html(lang="en")[
        _head(title),
        h.body(".plain")[h.header(".bar")[_brand()], h.main("#main")[content]],
    ]


def _brand() -> h.Node:
    return h.a(".brand", href="/")[h.img(src=static("icon.svg"), alt="", width="24", height="24"), "Stopline"]


def _find_number() -> h.Node:
    """Return the way to any number's story, from every page."""
    return h.search(".find")[
        h.form(method="get", action="/numbers")[
            h.input(type="search", name="q", placeholder="Find a number", aria_label="Find a number", maxlength="200")
        ]
    ]


def _link(path: str, name: str, shown: str) -> h.Node:
    place = page_place(shown)
    is_here = place is not None and place.path == path
    return h.li[h.a(href=path, aria_current="page" if is_here else None)[name]]


def _sign_out(user: SignedInUser, csrf: str) -> h.Node:
    return h.form(method="post", action="/sign-out")[
        h.input(type="hidden", name=FIELD, value=csrf),
        h.button(".quiet", type="submit", title=f"Signed in as {user.name} ({user.role})")["Sign out"],
    ]
