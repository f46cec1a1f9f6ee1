"""Small files of JSON that only this user can read."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_private(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` as JSON, all of it or nothing."""
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
    new.replace(path)


def read_private(path: Path) -> dict[str, Any]:
    """Return what was written; empty where nothing was, or where it is not an object of JSON."""
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError, PermissionError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
