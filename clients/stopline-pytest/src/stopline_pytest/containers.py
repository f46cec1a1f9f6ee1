"""The stack in containers, for those who use testcontainers: Stopline's own deployment, with free ports.

    with StoplineContainers() as containers, Stopline(containers.addresses()) as stopline:
        account = stopline.account()

The pytest plugin runs it as a command that knows `up`, `status` and `reset`, as `stopline` does.
"""

import json
import os
import re
import secrets
import socket
import sys
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

try:
    from testcontainers.compose import DockerCompose
except ImportError as error:
    raise ImportError("containers need one more package: pip install 'stopline-pytest[containers]'") from error

from stopline_pytest.addresses import Addresses

DEPLOYMENT = Path(__file__).parent / "deployment"
"""Stopline's docker-compose.yml and what it needs, as they were when this distribution was made."""
SERVICES = ("inbound", "optout", "api", "sender", "sandbox")
_SETTINGS = "containers.env"
_IMAGES = "images.json"
_SECRET_BYTES = 32
_NEEDED = re.compile(r"\$\{(STOPLINE_\w+):\?")
_NAMED = re.compile(r"\$\{(\w+)")
_PORT = re.compile(r"\$\{(STOPLINE_\w+_PORT):-\d+\}")
_OURS = re.compile(r"^  ([a-z]+):.*\n(?:    .*\n)*?    <<: \*service$", re.MULTILINE)


class StoplineContainers(DockerCompose):
    """The services of a deployment with the sandbox carrier, in a Compose project of its own.

    Args:
        image: of Stopline's services; default: STOPLINE_IMAGE, else `stopline:dev`, which `make image` builds.
        folder: where its settings are kept; one that has settings means the containers that were started with them.
    """

    def __init__(self, *, image: str = "", folder: Path | None = None) -> None:
        self._folder = folder or Path(tempfile.mkdtemp(prefix="stopline-containers-"))
        self._written = (DEPLOYMENT / "docker-compose.yml").read_text(encoding="utf-8")
        self._image = image or os.environ.get("STOPLINE_IMAGE", "") or "stopline:dev"
        if not (self._folder / _SETTINGS).exists():
            self._write_settings()
        lines = (self._folder / _SETTINGS).read_text(encoding="utf-8").splitlines()
        self.settings = dict(line.split("=", 1) for line in lines)
        super().__init__(
            context=DEPLOYMENT,
            compose_file_name=["docker-compose.yml", str(self._folder / _IMAGES)],
            env_file=[str(self._folder / _SETTINGS)],
            profiles=["demo"],
            services=list(SERVICES),
        )

    @cached_property
    def compose_command_property(self) -> list[str]:
        """The command, with the name of the project: one for each object.

        Compose takes a variable of the shell before one of a file. Settings of a deployment that somebody has in
        their shell, such as the address of a real carrier or another administrator's token, are not for tests.
        """
        named = ("COMPOSE_PROJECT_NAME", *dict.fromkeys(_NAMED.findall(self._written)))
        unset = [word for name in named for word in ("-u", name)]
        return ["env", *unset, *super().compose_command_property, "--project-name", self.settings["PROJECT"]]

    def stop(self, down: bool = True) -> None:  # noqa: FBT001, FBT002 (as testcontainers has it)
        """Remove the containers, with their networks and data; `down=False` only stops them."""
        services, self.services = self.services, None
        super().stop(down)
        self.services = services

    def addresses(self) -> Addresses:
        """Return where the stack is."""

        def url(service: str) -> str:
            return f"http://127.0.0.1:{self.settings[f'STOPLINE_{service}_PORT']}"

        return Addresses(
            api_url=url("API"),
            inbound_url=url("INBOUND"),
            sandbox_url=url("SANDBOX"),
            kafka_bootstrap=f"localhost:{self.settings['STOPLINE_KAFKA_PORT']}",
            admin_token=self.settings["STOPLINE_ADMIN_TOKEN"],
            inbound_url_of_sandbox="http://inbound:8081",
        )

    def _write_settings(self) -> None:
        """Choose a name, secrets and free ports, for every setting of the deployment that needs one."""
        ports = dict.fromkeys(_PORT.findall(self._written))
        found = {"PROJECT": f"stopline-pytest-{secrets.token_hex(4)}"}
        found |= {name: secrets.token_hex(_SECRET_BYTES) for name in dict.fromkeys(_NEEDED.findall(self._written))}
        found |= {name: str(port) for name, port in zip(ports, _free_ports(len(ports)), strict=True)}
        images = {"services": {name: {"image": self._image} for name in _OURS.findall(self._written)}}
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / _IMAGES).write_text(json.dumps(images), encoding="utf-8")
        (self._folder / _SETTINGS).touch(0o600)
        (self._folder / _SETTINGS).write_text("".join(f"{name}={value}\n" for name, value in found.items()))


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def main(words: list[str]) -> int:
    """Obey `up`, `status` or `reset`, after an optional `--image NAME`; the folder is STOPLINE_HOME."""
    image, words = (words[1], words[2:]) if words[:1] == ["--image"] else ("", words)
    containers = StoplineContainers(image=image, folder=Path(os.environ["STOPLINE_HOME"]))
    match words[0]:
        case "up":
            containers.start()
        case "status":
            print(json.dumps(asdict(containers.addresses())))  # noqa: T201 (the output of a command)
        case _:
            with suppress(FileNotFoundError):  # no Docker: nothing was started
                containers.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
