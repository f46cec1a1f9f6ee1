"""The secrets that the services of a stack share."""

import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.machine.private_file import read_private, write_private

_BYTES = 32


@dataclass(frozen=True)
class SharedSecrets:
    """The key of all webhook secrets, the token that makes accounts, and the token of the carrier."""

    webhook_key: str
    admin_token: str
    carrier_token: str


def shared_secrets(path: Path) -> SharedSecrets:
    """Return the secrets kept at `path`, which the first call writes: webhook URLs must outlive a restart."""
    if not path.exists():
        write_private(path, asdict(SharedSecrets(*(secrets.token_urlsafe(_BYTES) for _ in range(3)))))
    return SharedSecrets(**read_private(path))
