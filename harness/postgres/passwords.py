"""The passwords of a cluster, made with it and kept beside it."""

import json
import os
import secrets
from pathlib import Path

OWNER = "stopline"
"""The superuser, for the harness only."""
DATABASES = ("optout", "sender")
"""Each belongs to the role of the same name, which cannot connect to the other."""


def passwords(path: Path) -> dict[str, str]:
    """Return the password of every role, made and written at the first call."""
    if not path.exists():
        made = {role: secrets.token_urlsafe(24) for role in (OWNER, *DATABASES)}
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(file, "w") as text:
            json.dump(made, text)
    kept: dict[str, str] = json.loads(path.read_text())
    return kept
