"""How the sandbox starts and what it says where it cannot."""

import os
import socket
import subprocess
import sys

TOKEN = {"STOPLINE_SANDBOX_TOKEN": "x"}


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("STOPLINE_")}
    return subprocess.run(
        [sys.executable, "-m", "harness.sandbox"],
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_missing_token_ends_the_start_with_one_line_that_names_it() -> None:
    ended = start()
    assert ended.returncode == 78
    assert ended.stderr.count("\n") == 1
    assert "STOPLINE_SANDBOX_TOKEN" in ended.stderr


def test_a_port_in_use_ends_the_start_with_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = start(STOPLINE_HTTP_PORT=str(port), **TOKEN)
    assert ended.returncode == 1
    assert str(port) in ended.stderr
    assert "Traceback" not in ended.stderr
