"""The `stopline` command in this process: 60 processes needed 60 seconds."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, StringIO, TextIOWrapper
from unittest.mock import patch

from harness.cli.main import main


def command_line(settings: dict[str, str], *command: str) -> tuple[int, str, str]:
    """Run `stopline` with these settings; return its exit code, output and errors."""
    output, errors = TextIOWrapper(BytesIO(), write_through=True), StringIO()
    # In a thread, because the command has an event loop of its own.
    with (
        patch.dict(os.environ, settings),
        redirect_stdout(output),
        redirect_stderr(errors),
        ThreadPoolExecutor(1) as thread,
    ):
        code = thread.submit(main, list(command)).result(60)
    output.seek(0)
    return code, output.read(), errors.getvalue()
