"""A bind over TLS, and settings of SMPP."""

import asyncio
import socket
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from smpp_world import asked, bound_to, settings_for, soon
from smsc import Smsc, serving

from services.sender.carriers.carrier import Accepted, NotCalled, Unknown


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
               "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem",
               "-out", "ca.pem"]  # fmt: skip
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return folder / "ca.pem", context


async def test_a_bind_over_tls_checks_the_smscs_certificate_and_name(
    certificate: tuple[Path, ssl.SSLContext],
) -> None:
    path, context = certificate
    async with serving(Smsc(tls=context)) as smsc:
        trusted = {"smpp_tls": True, "smpp_tls_ca_file": path}
        async with bound_to(smsc, smpp_host="localhost", **trusted) as client:
            assert await client.send(asked(), soon()) == Accepted("id-1")
        for other in ({"smpp_host": "127.0.0.1", **trusted}, {"smpp_host": "localhost", "smpp_tls": True}):
            async with bound_to(smsc, **other) as client:
                result = await client.send(asked(), soon(0.5))
                assert isinstance(result, NotCalled)
                assert "certificate verify failed" in result.detail


@dataclass(frozen=True)
class Security:
    """With TLS, or without: the server's, and the client's settings."""

    server: ssl.SSLContext | None
    client: dict[str, Any]


@pytest.fixture(params=["plain", "tls"])
def security(request: pytest.FixtureRequest, certificate: tuple[Path, ssl.SSLContext]) -> Security:
    if request.param == "plain":
        return Security(None, {})
    path, context = certificate
    return Security(context, {"smpp_tls": True, "smpp_tls_ca_file": path, "smpp_host": "localhost"})


async def test_no_message_is_written_after_bytes_that_still_wait(security: Security) -> None:
    """Nothing would look at the clock when they leave."""
    async with serving(Smsc(tls=security.server)) as smsc, bound_to(smsc, **security.client) as client:
        assert await client.send(asked(1), soon()) == Accepted("id-1")
        beneath = (await client._link.session()).connection.beneath
        beneath.set_write_buffer_limits(high=100_000_000)
        beneath.write(bytes(20_000_000))
        assert await client.send(asked(2), soon()) == NotCalled("the connection takes no bytes now")
    assert len(smsc.submitted) == 1


async def test_what_the_system_does_not_take_at_once_of_a_message_never_leaves(security: Security) -> None:
    long = asked(2, body="x" * 1_500)
    given = {"smpp_window": 1_000, **security.client}
    async with serving(Smsc(tls=security.server)) as smsc, bound_to(smsc, **given) as client:
        connection = (await client._link.session()).connection
        connection.beneath.set_write_buffer_limits(high=100_000_000)
        connection.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        # All in one round of the loop: the SMSC reads nothing meanwhile.
        results = await asyncio.gather(*(client.send(long, soon()) for _ in range(400)))
    in_doubt = [each for each in results if isinstance(each, Unknown)]
    assert in_doubt
    assert len(smsc.binds[0].raw) < len(in_doubt)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"smpp_password": SecretStr("pässword")}, "SMPP carries ASCII only"),
        ({"smpp_tls_ca_file": Path("/nowhere")}, "not used without tls"),
        ({"smpp_tls_ca_file": Path("/nowhere"), "smpp_tls": True}, "/nowhere: No such file"),
        ({"smpp_system_id": "sixteen-letters-"}, "smpp_system_id"),
        ({"smpp_opted_out_statuses": "[0]"}, "smpp_opted_out_statuses"),
    ],
)
def test_settings_that_cannot_work_are_refused(more: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        settings_for(Smsc(port=1), **more)
    assert "pässword" not in str(error.value)
