"""The dashboard's files: read once, named by their content, kept by browsers for a year, compressed beforehand."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.dashboard.refusals import not_found

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}
_FOREVER = "public, max-age=31536000, immutable"
_DIGITS = 12

routes = APIRouter()


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file of the folder `static`, and its address, which changes with it."""

    path: str
    media_type: str
    content: bytes
    compressed: bytes


@cache
def static_files() -> dict[str, StaticFile]:
    """Return every file by its name in the folder."""
    found = (path for path in sorted(_FOLDER.rglob("*")) if path.suffix in _TYPES)
    return {str(path.relative_to(_FOLDER)): _read(path) for path in found}


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    name = path.relative_to(_FOLDER)
    digest = hashlib.sha256(content).hexdigest()[:_DIGITS]
    return StaticFile(f"/static/{digest}/{name}", _TYPES[path.suffix], content, gzip.compress(content, 9, mtime=0))


def static(name: str) -> str:
    """Return the address of a file."""
    return static_files()[name].path


@routes.get("/static/{digest}/{name:path}")
async def read_static(request: Request, digest: str, name: str) -> Response:
    """Return a file; of another content than its address says, it is not kept."""
    file = static_files().get(name)
    if file is None:
        raise not_found("file")
    is_same = file.path == f"/static/{digest}/{name}"
    headers = {"Cache-Control": _FOREVER if is_same else "no-cache", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        return Response(file.compressed, headers={**headers, "Content-Encoding": "gzip"}, media_type=file.media_type)
    return Response(file.content, headers=headers, media_type=file.media_type)
