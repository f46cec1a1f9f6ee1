"""A failpoint does nothing unless armed, and acts at the hit it was armed for."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
from shared import failpoints
failpoints.arm_from_environment()
for n in range(5):
    failpoints.failpoint("x.done")
    print(n, flush=True)
"""


def run(setting: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={"STOPLINE_FAILPOINT": setting},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_armed_failpoint_kills_at_its_hit() -> None:
    ended = run("x.done=kill@3")
    assert (ended.returncode, ended.stdout.split()) == (-signal.SIGKILL, ["0", "1"])


def test_another_failpoint_changes_nothing() -> None:
    assert run("y.done=kill").stdout.split() == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("setting", ["x.done", "x.done=explode", "x.done=kill@often"])
def test_a_setting_that_cannot_be_read_is_refused(setting: str) -> None:
    assert "STOPLINE_FAILPOINT" in run(setting).stderr
