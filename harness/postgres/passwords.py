"""The passwords of the roles, kept beside the data that they belong to."""

import json
import os
import secrets
from pathlib import Path

OWNER = "stopline"
"""The superuser, for the harness only."""
DATABASES = ("optout", "sender")
"""Each belongs to the role of the same name, which cannot connect to the other."""


def make_passwords(path: Path) -> dict[str, str]:
    """Write a new password for every role to `path`, and return them."""
    made = {role: secrets.token_urlsafe(24) for role in (OWNER, *DATABASES)}
    file = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(file, "w") as text:
        json.dump(made, text)
    return made


def read_passwords(path: Path) -> dict[str, str]:
    """Return the password of every role."""
    kept: dict[str, str] = json.loads(path.read_text())
    return kept


def url(port: int, role: str, passwords: dict[str, str], *, host: str = "127.0.0.1") -> str:
    """Return the address of the role's own database."""
    database = "postgres" if role == OWNER else role
    return f"postgresql://{role}:{passwords[role]}@{host}:{port}/{database}"
