"""A Compose project of the tests' own: free ports, secrets of its own, gone with its volumes afterwards."""

import json
import os
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.machine.ports import free_ports, release_ports

ROOT = Path(__file__).parents[2]
PORTS = ("INBOUND", "API", "LINKS", "SENDER", "SANDBOX", "PHONES", "DASHBOARD", "KAFKA")
BASE_IMAGES = ("python:3.13-slim", "apache/kafka:4.3.1", "postgres:18")
UP_SECONDS = 600
COMMAND_SECONDS = 120
PULL_SECONDS = 300


def missing_engine() -> str | None:
    """Return why Compose cannot run here; None where it can."""
    if shutil.which("docker") is None:
        return "there is no `docker` on this machine"
    for command in (["docker", "version"], ["docker", "compose", "version"], ["docker", "buildx", "version"]):
        asked = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
        if asked.returncode:
            return f"`{' '.join(command)}` says: {asked.stderr.strip()}"
    unreachable = [image for image in BASE_IMAGES if not _have_image(image)]
    return f"these images are not here and cannot be pulled: {', '.join(unreachable)}" if unreachable else None


def _have_image(image: str) -> bool:
    for command in (["docker", "image", "inspect", image], ["docker", "pull", "--quiet", image]):
        if subprocess.run(command, capture_output=True, timeout=PULL_SECONDS, check=False).returncode == 0:
            return True
    return False


@dataclass
class ComposeProject:
    """`docker compose`, in a project and with settings of its own; `beside` are further files of the deployment."""

    env_file: Path
    beside: tuple[str, ...] = ()
    more: dict[str, str] = field(default_factory=dict)
    name: str = field(default_factory=lambda: f"stopline-test-{secrets.token_hex(4)}")
    ports: dict[str, int] = field(default_factory=lambda: dict(zip(PORTS, free_ports(len(PORTS)), strict=True)))

    @property
    def settings(self) -> dict[str, str]:
        lines = [line for line in self.env_file.read_text().splitlines() if line and not line.startswith("#")]
        return dict(line.split("=", 1) for line in lines)

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def run(self, *arguments: str, seconds: float = COMMAND_SECONDS, check: bool = True) -> str:
        files = [each for name in ("docker-compose.yml", *self.beside) for each in ("-f", name)]
        command = ["docker", "compose", *files, "-p", self.name, "--env-file", str(self.env_file), "--profile", "demo"]
        ports = {f"STOPLINE_{service}_PORT": str(port) for service, port in self.ports.items()} | self.more
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("STOPLINE_")}
        code, output, errors = _run(
            [*command, *arguments], {**inherited, **ports, "STOPLINE_VERSION": self.name}, seconds
        )
        if check and code:
            raise AssertionError(f"docker compose {' '.join(arguments)}: {code}\n{output}\n{errors}")
        return output

    def build(self) -> None:
        self.run("build", "inbound", seconds=UP_SECONDS)

    def up(self) -> None:
        try:
            self.run("up", "--detach", "--wait", "--wait-timeout", "480", seconds=UP_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.run('logs', '--tail', '60', check=False)}") from None

    def exec(self, service: str, *command: str, check: bool = True) -> str:
        return self.run("exec", "-T", service, *command, check=check)

    def containers(self) -> dict[str, Any]:
        """Return what Docker says of each service's container."""
        ids = self.run("ps", "--all", "--quiet").split()
        published = json.loads(_docker("inspect", *ids))
        return {container["Config"]["Labels"]["com.docker.compose.service"]: container for container in published}

    def instances(self, service: str) -> list[str]:
        """Return the ids of the service's containers that run, in the order of their numbers."""
        return sorted(
            self.run("ps", "--quiet", service).split(), key=lambda each: _docker("inspect", "-f", "{{.Name}}", each)
        )

    def kill(self, container: str) -> None:
        _docker("kill", container)

    def start(self, container: str) -> None:
        _docker("start", container)

    def published(self, container: str, port: int) -> int:
        """Return the port of this machine by which a container's is reached."""
        return int(_docker("port", container, str(port)).split()[0].rpartition(":")[2])

    @property
    def image(self) -> str:
        return f"stopline:{self.name}"

    def remove(self) -> None:
        self.run("down", "--volumes", "--remove-orphans", "--timeout", "5", check=False)
        subprocess.run(["docker", "image", "rm", "--force", self.image], capture_output=True, timeout=60, check=False)
        release_ports(list(self.ports.values()))


def _run(command: list[str], env: dict[str, str], seconds: float) -> tuple[int, str, str]:
    """Return code, output and errors; past the deadline it ends together with its plugins, which hold the pipes too."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        return -signal.SIGKILL, output, f"{errors}\nnot done within {seconds} s"
    return process.returncode, output, errors


def _docker(*arguments: str) -> str:
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=COMMAND_SECONDS, check=True
    ).stdout


def image_history(image: str) -> str:
    """Return how every layer of the image was made, and what it is started with."""
    return _docker("history", "--no-trunc", image) + _docker("image", "inspect", image)
