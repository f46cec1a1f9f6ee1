"""The stack of a test run, with a command that only notes how it is called."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from test_addresses_of_a_stack import WHOLE

from stopline_pytest import StoplineError
from stopline_pytest.command import environment, find_command
from stopline_pytest.lifeline import Lifeline, stack_of

SOURCE = Path(__file__).parents[3] / "clients" / "stopline-pytest" / "src"
_ASKER = """
import sys
from pathlib import Path
from stopline_pytest.lifeline import stack_of
stack_of(Path(sys.argv[1]), sys.argv[2:], 600)
"""
_OWNER = """
import sys, time
from pathlib import Path
from stopline_pytest.lifeline import Lifeline, stack_of
lifeline = Lifeline()
stack_of(lifeline.folder, sys.argv[1:], 30)
print(lifeline.folder, flush=True)
time.sleep(60)
"""


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return tmp_path / "calls"


@pytest.fixture
def command(tmp_path: Path, calls: Path) -> list[str]:
    program = tmp_path / "stopline"
    program.write_text(
        f"#!/bin/sh\necho \"$STOPLINE_HOME $*\" >> {calls}\ncase $1 in status) echo '{json.dumps(WHOLE)}';; esac\n"
    )
    program.chmod(0o755)
    return [str(program)]


@pytest.fixture(autouse=True)
def _with_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))


@pytest.fixture
def lifeline() -> Iterator[Lifeline]:
    made = Lifeline()
    yield made
    made.release()


def commands(calls: Path) -> list[str]:
    return [line.partition(" ")[2] for line in calls.read_text().splitlines()] if calls.exists() else []


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_run_has_one_stack_however_many_processes_ask_and_removes_it(
    command: list[str], calls: Path, lifeline: Lifeline
) -> None:
    asking = [subprocess.Popen([sys.executable, "-c", _ASKER, lifeline.folder, *command]) for _ in range(3)]
    assert [each.wait(60) for each in asking] == [0, 0, 0]
    assert stack_of(lifeline.folder, command, 30).api_url == "http://127.0.0.1:1"
    assert commands(calls) == ["up --free-ports", "status --json"]

    lifeline.release()
    assert commands(calls) == ["up --free-ports", "status --json", "reset --yes"]
    assert not lifeline.folder.exists()


def test_a_run_that_is_killed_leaves_no_stack(command: list[str], calls: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", _OWNER, *command], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    assert owner.stdout.readline().startswith("/")
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait(10)
    owner.stdout.close()
    until(lambda: "reset --yes" in commands(calls))


def test_a_run_that_ends_while_its_stack_starts_waits_for_no_download(
    tmp_path: Path, calls: Path, lifeline: Lifeline
) -> None:
    program = tmp_path / "slow"
    program.write_text(
        f'#!/bin/sh\necho "$STOPLINE_HOME $*" >> {calls}\n'
        f"trap 'echo \"- interrupted\" >> {calls}; exit 130' INT\n"
        "[ $1 != up ] || while :; do sleep 0.1; done\n"
    )
    program.chmod(0o755)
    asking = subprocess.Popen([sys.executable, "-c", _ASKER, lifeline.folder, program], stderr=subprocess.DEVNULL)
    until(lambda: commands(calls) == ["up --free-ports"])
    lifeline.release()
    assert commands(calls) == ["up --free-ports", "interrupted", "reset --yes"]
    assert not lifeline.folder.exists()
    assert asking.wait(60) == 1


def test_a_run_has_no_servers_that_others_use_and_that_stay(tmp_path: Path) -> None:
    own = {"STOPLINE_BACKEND": "external", "STOPLINE_REACH_POLICIES_FILE": "policies.toml", "PYTHONPATH": "."}
    kept = {"STOPLINE_REACH_POLICIES_FILE": "policies.toml", "STOPLINE_HOME": str(tmp_path)}
    assert environment(own, tmp_path) == kept
    assert environment(own, None)["STOPLINE_BACKEND"] == "external"


def test_a_stack_that_does_not_start_says_why_to_every_process_that_asks(tmp_path: Path, lifeline: Lifeline) -> None:
    program = tmp_path / "stopline"
    program.write_text("#!/bin/sh\necho 'no Java here' >&2\nexit 78\n")
    program.chmod(0o755)
    for _ in range(2):
        with pytest.raises(StoplineError, match=r"ended with 78:\nno Java here"):
            stack_of(lifeline.folder, [str(program)], 30)


def test_without_the_command_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOPLINE_COMMAND", "no-such-stopline up")
    with pytest.raises(StoplineError, match="no command 'no-such-stopline': install Stopline"):
        find_command()
