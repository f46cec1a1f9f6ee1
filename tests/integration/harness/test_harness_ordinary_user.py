"""The first command of an ordinary user: in a path with a space, whatever the umask, the locale and TMPDIR say."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from harness.kafka.runtime import kafka_home
from harness.machine.user_folders import CODE

SECONDS = 240
USER = "nobody"
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


def python_of(user: int) -> str | None:
    """Return a Python like ours that the user can run: ours may be below root's home."""
    for python in (sys.executable, *(f"{folder}/{PYTHON}" for folder in ("/usr/bin", "/usr/local/bin"))):
        with suppress(OSError):
            done = subprocess.run([python, "-c", "import aiokafka"], user=user, env=environment_of(CODE), check=False)
            if done.returncode == 0:
                return python
    return None


def environment_of(clone: Path) -> dict[str, str]:
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    return {"PATH": os.environ["PATH"], "PYTHONPATH": f"{clone}:{packages}"}


@pytest.fixture
def ordinary() -> Iterator[tuple[list[str], dict[str, str], Path]]:
    """The command of an ordinary user, its environment, and the clone, which has a space in its path."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else; who is not root is an ordinary user in every other test")
    user = pwd.getpwnam(USER).pw_uid
    python = python_of(user)
    if python is None:
        pytest.skip(f"no {PYTHON} with the packages that {USER} can run")
    with tempfile.TemporaryDirectory(prefix="stopline ordinary ") as folder:
        clone, home = Path(folder, "a clone"), Path(folder, "größe home")
        for package in ("harness", "services", "shared"):
            shutil.copytree(CODE / package, clone / package, ignore=shutil.ignore_patterns("__pycache__"))
        if kafka_home().is_dir():  # so that the test need not download it again
            shutil.copytree(kafka_home(), home / ".cache" / "stopline" / kafka_home().name)
        else:
            home.mkdir()
        for path in (Path(folder), *Path(folder).rglob("*")):
            os.chown(path, user, user)
        odd = {"HOME": str(home), "LC_ALL": "C", "TMPDIR": "/not/there", "STOPLINE_BACKEND": "embedded"}
        yield [python, "-m", "harness.cli"], environment_of(clone) | odd, clone


@pytest.mark.timeout(SECONDS)
def test_an_ordinary_user_starts_a_stack_in_a_path_with_a_space(
    ordinary: tuple[list[str], dict[str, str], Path],
) -> None:
    stopline, environment, clone = ordinary

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*stopline, *words],
            env=environment,
            cwd=clone,
            user=USER,
            group=pwd.getpwnam(USER).pw_gid,
            extra_groups=[],
            umask=0o077,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    try:
        up = run("up", "--free-ports")
        assert up.returncode == 0, up.stdout + up.stderr
        status = json.loads(run("status", "--json").stdout)
        assert status["running"] is True
        assert psutil.Process(status["pid"]).username() == USER
        assert status["clone"] == str(clone)
    finally:
        assert run("down").returncode == 0
