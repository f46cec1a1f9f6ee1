"""What is missing is named in one line, with the command for the platform."""

import os
import platform
import stat
from pathlib import Path

import pytest

from harness import install
from harness.install import MissingProgramError, ensure_maven, find_java, how_to_install
from harness.processes import HarnessError
from harness.stack.choose import BackendOptions, choose_backend
from harness.stack.containers import ContainersBackend
from harness.stack.embedded import EmbeddedBackend
from harness.stack.external import ExternalBackend

ADDRESSES = {
    "STOPLINE_KAFKA_BOOTSTRAP": "kafka:9092",
    "STOPLINE_OPTOUT_DATABASE_URL": "postgresql://o@db/o",
    "STOPLINE_SENDER_DATABASE_URL": "postgresql://s@db/s",
}


def a_program(folder: Path, name: str, text: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def bare_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without Java, Maven, package managers and Docker, where we are nobody special."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-docker")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv("STOPLINE_BACKEND", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    return tmp_path


@pytest.mark.parametrize(
    ("system", "manager", "line"),
    [
        ("Linux", "apt-get", "Java 17 or newer is missing: sudo apt-get install -y default-jre-headless"),
        ("Linux", "dnf", "Java 17 or newer is missing: sudo dnf install -y java-21-openjdk-headless"),
        ("Darwin", "brew", "Java 17 or newer is missing: brew install openjdk"),
        ("Linux", None, "Java 17 or newer is missing: install it (`java` must be on the path)"),
    ],
)
def test_the_line_has_the_command_for_the_platform(
    bare_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, manager: str | None, line: str
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    if manager:
        a_program(bare_path, manager, "exit 1")

    assert how_to_install("java") == line


def test_the_line_names_the_package_that_this_release_has(bare_path: Path) -> None:
    a_program(bare_path, "apt-get", "exit 1")
    a_program(bare_path, "apt-cache", 'test "$2" = openjdk-17-jre-headless')

    assert how_to_install("java").endswith("sudo apt-get install -y openjdk-17-jre-headless")


@pytest.mark.parametrize(
    ("version", "taken"), [("1.8.0_392", False), ("11.0.2", False), ("17.0.15", True), ("25", True)]
)
def test_only_a_java_that_is_new_enough_is_taken(bare_path: Path, version: str, taken: bool) -> None:  # noqa: FBT001 (a column)
    a_program(bare_path, "java", f"echo 'openjdk version \"{version}\" 2025-01-01' >&2")

    assert find_java() == (bare_path / "java" if taken else None)


def test_a_java_that_only_says_how_to_get_one_is_not_taken(bare_path: Path) -> None:
    a_program(bare_path, "java", "echo 'Unable to locate a Java Runtime.' >&2; exit 1")

    assert find_java() is None


async def test_without_root_a_missing_program_is_named_and_not_installed(bare_path: Path) -> None:
    a_program(bare_path, "apt-get", f"touch {bare_path}/called")

    with pytest.raises(MissingProgramError, match="Maven is missing: sudo apt-get install -y maven"):
        await ensure_maven(lambda _: None)

    assert not (bare_path / "called").exists()


async def test_root_installs_a_missing_program_with_apt_get_and_says_so(
    bare_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "can_install", lambda: True)
    a_program(bare_path, "apt-get", f'echo "$@" >> {bare_path}/called; /bin/ln -sf /bin/true {bare_path}/mvn')
    said: list[str] = []

    maven = await ensure_maven(said.append)

    assert maven == bare_path / "mvn"
    assert said == ["installing Maven with apt-get"]
    assert "install -qqy --no-install-recommends maven" in (bare_path / "called").read_text()


def test_a_machine_that_can_run_nothing_says_what_to_install_in_one_line(bare_path: Path) -> None:
    a_program(bare_path, "dnf", "exit 1")

    with pytest.raises(HarnessError) as failure:
        choose_backend(None, BackendOptions())

    assert str(failure.value) == (
        "Java 17 or newer is missing: sudo dnf install -y java-21-openjdk-headless; "
        "Maven is missing: sudo dnf install -y maven; or start Docker"
    )


def test_embedded_is_chosen_where_java_and_maven_are_there(bare_path: Path) -> None:
    a_program(bare_path, "java", "echo 'openjdk version \"21.0.1\"' >&2")
    a_program(bare_path, "mvn", "exit 0")

    assert isinstance(choose_backend(None, BackendOptions()), EmbeddedBackend)


def test_the_environment_chooses_and_the_caller_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOPLINE_BACKEND", "containers")

    assert isinstance(choose_backend(None, BackendOptions()), ContainersBackend)
    assert isinstance(choose_backend("embedded", BackendOptions()), EmbeddedBackend)


def test_an_unknown_backend_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(HarnessError, match="no backend 'cloud'; choose one of embedded, containers, external"):
        choose_backend("cloud", BackendOptions())


@pytest.mark.parametrize("missing", ADDRESSES)
def test_the_external_backend_names_the_address_that_is_missing(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for name, address in ADDRESSES.items():
        monkeypatch.setenv(name, address)
    monkeypatch.delenv(missing)

    with pytest.raises(HarnessError, match=missing):
        ExternalBackend()


async def test_the_external_backend_takes_its_addresses_from_the_environment_and_causes_no_faults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, address in ADDRESSES.items():
        monkeypatch.setenv(name, address)

    backend = ExternalBackend()

    assert (backend.kafka_bootstrap, backend.optout_database_url, backend.sender_database_url) == tuple(
        ADDRESSES.values()
    )
    with pytest.raises(HarnessError, match="cannot kill PostgreSQL: the external backend belongs to somebody else"):
        await backend.kill_postgres()
