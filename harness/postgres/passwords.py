"""The passwords of the roles, kept with the data that they belong to."""

import secrets
from pathlib import Path

from harness.machine.private_file import read_private, write_private

OWNER = "stopline"
"""The superuser, for the harness only."""
DATABASES = ("optout", "sender")
"""Each belongs to the role of the same name, which cannot connect to the other."""
SERVICE_ROLES = {"optout_pipeline": "optout", "optout_api": "optout", "optout_links": "optout"}
"""The roles of services that do not own their tables, and their databases."""


def make_passwords(path: Path) -> dict[str, str]:
    """Write a new password for every role to `path`, and return them."""
    made = {role: secrets.token_urlsafe(24) for role in (OWNER, *DATABASES, *SERVICE_ROLES)}
    write_private(path, made)
    return made


def add_passwords(path: Path) -> dict[str, str]:
    """Return the password of every role; roles that are newer than the data get theirs now."""
    kept = read_passwords(path)
    missing = {role: secrets.token_urlsafe(24) for role in SERVICE_ROLES if role not in kept}
    if missing:
        write_private(path, kept | missing)
    return kept | missing


def read_passwords(path: Path) -> dict[str, str]:
    """Return the password of every role."""
    return read_private(path)


def url(port: int, role: str, passwords: dict[str, str], *, host: str = "127.0.0.1") -> str:
    """Return the address of the role's own database."""
    database = "postgres" if role == OWNER else SERVICE_ROLES.get(role, role)
    return f"postgresql://{role}:{passwords[role]}@{host}:{port}/{database}"
