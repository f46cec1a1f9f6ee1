"""The page's files, read once, and the headers that keep everything else out of it."""

import html
import secrets
from dataclasses import dataclass, field
from pathlib import Path

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".html": "text/html"}
_TOKEN_PLACE = "%TOKEN%"  # noqa: S105 (where the token goes)

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class PageFile:
    content_type: str
    body: bytes


@dataclass(frozen=True)
class PhonesPage:
    """The page: its own token, which only whoever can read the page can send, and its files by name."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    files: dict[str, PageFile] = field(
        default_factory=lambda: {
            path.name: PageFile(_TYPES[path.suffix], path.read_bytes()) for path in sorted(_FOLDER.iterdir())
        }
    )

    def index(self) -> PageFile:
        shown = self.files["index.html"]
        text = shown.body.decode().replace(_TOKEN_PLACE, html.escape(self.token))
        return PageFile(shown.content_type, text.encode())
