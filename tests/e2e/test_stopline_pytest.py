"""Somebody else's project: the example, in an environment of its own with the distributions made of this tree."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from shell import SECONDS, Shell

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "bookshop"
ENVIRONMENTS = ROOT / ".venv" / "example"
_FAILING = """
def test_a_wrong_claim(stopline_account):
    ada = stopline_account.phone()
    stopline_account.list().send(ada, "Hello. Reply STOP to opt out").assert_suppressed()

def test_any_failure(stopline_account):
    ada = stopline_account.phone()
    stopline_account.list().send(ada, "no way out").outcome()
    assert ada.messages() == ["hello"]
"""


@pytest.fixture(scope="module", autouse=True)
def _environments() -> None:
    subprocess.run([ROOT / "tools" / "example-environments"], check=True, timeout=SECONDS)


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files, which the Postgres of a stack can enter."""
    with tempfile.TemporaryDirectory(prefix="stopline-e2e-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def run_pytest(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("STOPLINE_", "PYTEST_"))}
    command = str(ENVIRONMENTS / "command" / "bin" / "stopline")
    return subprocess.run(
        [ENVIRONMENTS / "tests" / "bin" / "pytest", "-p", "no:cacheprovider", *words],
        cwd=folder,
        env={**kept, "STOPLINE_COMMAND": command, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_the_example_has_none_of_stoplines_own_packages() -> None:
    asked = "import importlib.util as i; print([i.find_spec(name) for name in ('services', 'shared', 'harness')])"
    python = ENVIRONMENTS / "tests" / "bin" / "python"
    found = subprocess.run([python, "-P", "-c", asked], cwd="/", capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == "[None, None, None]"


@pytest.mark.timeout(SECONDS)
def test_two_processes_share_one_stack_which_is_gone_afterwards(temporary: Path) -> None:
    ran = run_pytest(EXAMPLE, "-q", "-n", "2", TMPDIR=str(temporary))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "5 passed" in ran.stdout
    assert list(temporary.glob("stopline-pytest-*")) == []
    left = [each.info["cmdline"] for each in psutil.process_iter(["cmdline"]) if _names(each, temporary)]
    assert left == []


def _names(process: psutil.Process, folder: Path) -> bool:
    return any(str(folder) in word for word in process.info["cmdline"] or ())


def test_a_failure_shows_what_happened_in_the_account(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "test_failing.py").write_text(_FAILING)
    (tmp_path / "stack.json").write_text(json.dumps(shell.status()))
    ran = run_pytest(tmp_path, "-p", "no:asyncio", "--stopline-stack=external", "--stopline-addresses=stack.json")
    assert ran.returncode == 1
    assert "2 failed" in ran.stdout, ran.stdout + ran.stderr
    for shown in (
        ": suppressed\nE       but it was: sent",
        "'Hello. Reply STOP to opt out'",
        "rejected (reason no_way_out",
        "stopline: account test-",
    ):
        assert shown in ran.stdout
    assert "site-packages/stopline_pytest" not in ran.stdout, "frames of the plugin are not the reader's"


def test_the_stack_that_already_runs_is_used(shell: Shell) -> None:
    ran = run_pytest(
        EXAMPLE, "-q", "-k", "start_brings", "--stopline-stack=running", STOPLINE_HOME=str(shell.home),
    )  # fmt: skip
    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr
    assert shell.status()["healthy"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--stopline-stack=cloud"], "there is no 'cloud'; choose one of embedded, containers, running, external"),
        (["--stopline-stack=external"], "set STOPLINE_API_URL, STOPLINE_INBOUND_URL"),
        (["--stopline-command=no-such"], "there is no command 'no-such'"),
        (["--stopline-timeout-seconds=soon"], "write a number of seconds above 0, not 'soon'"),
    ],
)
def test_a_wrong_option_is_one_line_that_says_what_to_do(words: list[str], said: str) -> None:
    ran = run_pytest(EXAMPLE, "-q", "-x", "-k", "a_subscriber", *words)
    assert ran.returncode == 1
    assert said in ran.stdout
    assert "Traceback" not in ran.stdout
