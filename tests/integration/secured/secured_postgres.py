"""A real PostgreSQL that takes no connection without TLS; the programs of the wheel have none, Debian's do."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from certificates import Authority

from harness.machine.ports import free_ports, release_ports
from harness.postgres import PostgresServer
from harness.postgres.binaries import _installed, open_to
from harness.postgres.server_process import Installation
from harness.postgres.user import unprivileged_user

REQUIRED = "STOPLINE_REQUIRE_POSTGRES_TLS"
_HBA = """
hostssl postgres stopline 127.0.0.1/32 scram-sha-256
hostssl sender sender 127.0.0.1/32 cert
hostssl optout all 127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True)
class SecuredPostgres:
    """The role `sender` shows a certificate, all others have passwords."""

    server: PostgresServer
    authority: Authority

    def url(self, role: str, **query: object) -> str:
        """Return the address of the role's database, with the server verified and `query` instead where it differs."""
        given = {
            "sslmode": "verify-full",
            "sslrootcert": self.authority.certificate,
            **self._certificate(role),
            **query,
        }
        return f"{self.server.url(role)}?{'&'.join(f'{name}={value}' for name, value in given.items())}"

    def _certificate(self, role: str) -> dict[str, object]:
        if role != "sender":
            return {}
        shown = self.authority.sign(role)
        return {"sslcert": shown.certificate, "sslkey": shown.key}


@asynccontextmanager
async def secured_postgres(folder: Path) -> AsyncIterator[SecuredPostgres]:
    """Run one."""
    folder.mkdir()
    (folder / "logs").mkdir()
    authority, ports, installation = Authority(folder / "certificates"), free_ports(1), _with_tls()
    own = authority.sign("postgres")
    hba = folder / "pg_hba.conf"
    hba.write_text(_HBA)
    if installation.user is not None:
        os.chown(own.key, installation.user.uid, installation.user.gid)
    own.key.chmod(0o600)
    settings = {
        "ssl": "on",
        "ssl_cert_file": own.certificate,
        "ssl_key_file": own.key,
        "ssl_ca_file": authority.certificate,
        "hba_file": hba,
    }
    more = {name: str(value) for name, value in settings.items()}
    server = PostgresServer(folder, ports[0], durable=False, installation=installation, more_settings=more)
    try:
        await server.start()
        yield SecuredPostgres(server, authority)
    finally:
        await server.kill()
        release_ports(ports)


def _with_tls() -> Installation:
    user = unprivileged_user()
    for folder in _installed():
        if (folder / "postgres").is_file() and b"libssl" in (folder / "postgres").read_bytes():
            return Installation(folder if user is None else open_to(user, folder), user)
    why = "there is no PostgreSQL with TLS on this machine: apt-get install postgresql"
    if os.environ.get(REQUIRED):
        pytest.fail(why)
    pytest.skip(why)
