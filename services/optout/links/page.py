"""The pages: HTML without scripts, in the reader's language, that reads well on any phone."""

import base64
import hashlib
import tomllib
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Literal

PageKind = Literal["ask", "out", "out_of_all", "undone", "unknown", "unavailable", "too_many", "too_late"]
PressedButton = Literal["list", "all", "undo"]

_DATA = Path(__file__).parent / "data"
_STYLE = (_DATA / "page.css").read_text()
_STYLE_SHA256 = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_TEXTS: dict[str, dict[str, str]] = tomllib.loads((_DATA / "texts.toml").read_text())
_DEFAULT_LANGUAGE = "en"
_MAX_HEADER_CHARACTERS = 500

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_SHA256}'; form-action 'self'; frame-ancestors 'none';"
        " base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Language",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
"""Of every page: it is not kept, not embedded, not indexed, and runs nothing."""


@lru_cache(maxsize=1_024)
def language_of(accept_language: str) -> str:
    """Return the language that the reader's browser likes best of those that there are."""
    wanted: list[tuple[float, str]] = []
    for part in accept_language[:_MAX_HEADER_CHARACTERS].split(","):
        name, _, parameter = part.strip().partition(";")
        wanted.append((_quality(parameter), name.partition("-")[0].lower()))
    known = [(quality, name) for quality, name in wanted if quality > 0 and name in _TEXTS]
    return max(known, key=lambda each: each[0])[1] if known else _DEFAULT_LANGUAGE


def _quality(parameter: str) -> float:
    try:
        return float(parameter.strip().removeprefix("q=")) if parameter.strip() else 1.0
    except ValueError:
        return 0.0


@lru_cache(maxsize=4_096)
def page(kind: PageKind, language: str, account_name: str | None, choices: tuple[PressedButton, ...]) -> bytes:
    """Return a page; without a name it speaks of the sender of the message.

    Args:
        kind: what it says.
        language: as `language_of` returns it.
        account_name: who sends the messages.
        choices: its buttons.
    """
    texts = _TEXTS[language]
    name = escape(account_name or texts["this_sender"])
    title, text = (texts[f"{kind}_{part}"].replace("{name}", name) for part in ("title", "text"))
    buttons = "".join(
        f'<button class="{choice}" name="choice" value="{choice}">'
        f"{texts[f'button_{choice}'].replace('{name}', name)}</button>"
        for choice in choices
    )
    form = f'<form method="post">{buttons}</form>' if buttons else ""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{title}</h1><p>{text}</p>{form}</main></body></html>"
    ).encode()
