"""A bind over TLS, and settings of SMPP."""

import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from smpp_world import asked, bound_to, settings_for, soon
from smsc import Smsc, serving

from services.sender.carriers.carrier import Accepted, NotCalled


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
