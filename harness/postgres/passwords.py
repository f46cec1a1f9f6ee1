"""The passwords of the roles, kept beside the data that they belong to."""

import json
import os
import secrets
from pathlib import Path

OWNER = "stopline"
"""The superuser, for the harness only."""
DATABASES = ("optout", "sender")
"""Each belongs to the role of the same name, which cannot connect to the other."""
SERVICE_ROLES = {"optout_pipeline": "optout", "optout_api": "optout"}
"""The roles of services that do not own their tables, and their databases."""


def make_passwords(path: Path) -> dict[str, str]:
    """Write a new password for every role to `path`, and return them."""
    made = {role: secrets.token_urlsafe(24) for role in (OWNER, *DATABASES, *SERVICE_ROLES)}
    _write(path, made)
    return made


def add_passwords(path: Path) -> dict[str, str]:
    """Return the password of every role, after adding those that an older version did not have yet."""
    kept = read_passwords(path)
    missing = {role: secrets.token_urlsafe(24) for role in SERVICE_ROLES if role not in kept}
    if missing:
        _write(path, kept | missing)
    return kept | missing


def _write(path: Path, made: dict[str, str]) -> None:
    file = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(file, "w") as text:
        json.dump(made, text)


def read_passwords(path: Path) -> dict[str, str]:
    """Return the password of every role."""
    kept: dict[str, str] = json.loads(path.read_text())
    return kept


def url(port: int, role: str, passwords: dict[str, str], *, host: str = "127.0.0.1") -> str:
    """Return the address of the role's own database."""
    database = "postgres" if role == OWNER else SERVICE_ROLES.get(role, role)
    return f"postgresql://{role}:{passwords[role]}@{host}:{port}/{database}"
