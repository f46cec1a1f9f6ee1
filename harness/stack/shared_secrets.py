"""What the services of a stack share and nobody else knows."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

_BYTES = 32


@dataclass(frozen=True)
class SharedSecrets:
    """The key of all webhook secrets, the token that makes accounts, and the carrier's."""

    webhook_key: str
    admin_token: str
    carrier_token: str


def shared_secrets(path: Path) -> SharedSecrets:
    """Return the secrets kept at `path`, made and written at the first call: webhook URLs outlive a restart."""
    if not path.exists():
        made = SharedSecrets(*(secrets.token_urlsafe(_BYTES) for _ in range(3)))
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(file, "w") as text:
            json.dump(asdict(made), text)
    return SharedSecrets(**json.loads(path.read_text()))
