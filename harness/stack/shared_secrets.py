"""The secrets that the services of a stack share."""

import secrets
from dataclasses import dataclass, fields
from pathlib import Path

from harness.machine.private_file import read_private, write_private

_BYTES = 32


@dataclass(frozen=True)
class SharedSecrets:
    """The tokens that make accounts and call the carrier, and the keys of webhook secrets, pseudonyms and links."""

    webhook_key: str
    admin_token: str
    carrier_token: str
    erasure_key: str = ""
    link_key: str = ""
    dashboard_token: str = ""


def shared_secrets(path: Path) -> SharedSecrets:
    """Return the secrets kept at `path`, which the first call writes: webhook URLs must outlive a restart.

    A secret that is newer than the file is added to it.
    """
    kept = read_private(path) if path.exists() else {}
    missing = {each.name: secrets.token_urlsafe(_BYTES) for each in fields(SharedSecrets) if each.name not in kept}
    if missing:
        write_private(path, kept | missing)
    return SharedSecrets(**kept, **missing)
