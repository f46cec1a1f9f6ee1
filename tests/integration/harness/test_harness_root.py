"""PostgreSQL refuses to run as root; where we are root, it runs as somebody else."""

import os
import tempfile
from pathlib import Path

import pytest

from harness.postgres import binaries
from harness.postgres.binaries import open_to
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


def test_programs_in_an_open_folder_are_used_where_they_are() -> None:
    assert open_to(somebody_else(), Path("/usr/bin")) == Path("/usr/bin")


async def test_a_data_folder_that_is_closed_is_refused_with_the_mend(closed: Path) -> None:
    with pytest.raises(HarnessError, match=r"cannot enter .*: take another folder \(not below /root\)"):
        await EmbeddedBackend(data_folder=closed, say=lambda _: None).start()
