"""The control socket of a background stack: one JSON request a connection, one JSON answer.

Requests: `{"command": "stop" | "start" | "kill" | "pause" | "resume" | "restart", "service": "sender"}`. The answer is
`{"ok": true}` once it is done (a started service is ready), or `{"ok": false, "error": "…"}`.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from shared.errors import TransientError

COMMANDS = ("stop", "start", "kill", "pause", "resume", "restart")
_MAX_REQUEST_BYTES = 4096
_ANSWER_SECONDS = 60.0

Handler = Callable[[str, str], Awaitable[None]]


async def serve(path: Path, handle: Handler) -> asyncio.Server:
    """Listen at `path`; `handle(command, service)` does it or raises."""
    path.unlink(missing_ok=True)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(json.dumps(await _handled(await reader.readline(), handle)).encode() + b"\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(answer, path, limit=_MAX_REQUEST_BYTES)
    path.chmod(0o600)
    return server


async def _handled(line: bytes, handle: Handler) -> dict[str, Any]:
    try:
        request = json.loads(line)
        command, service = request["command"], request["service"]
        if command not in COMMANDS:
            return {"ok": False, "error": f"unknown command {command!r}; there are {', '.join(COMMANDS)}"}
        await handle(command, service)
    except Exception as error:  # noqa: BLE001 (whatever failed is told to the one who asked; the stack goes on)
        return {"ok": False, "error": f"{type(error).__name__}: {error}"}
    return {"ok": True}


async def ask(path: Path, command: str, service: str) -> None:
    """Have the stack at `path` do `command` to `service`, and wait until it is done.

    Raises:
        TransientError: it could not be done.
    """
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(json.dumps({"command": command, "service": service}).encode() + b"\n")
            await writer.drain()
            answer = json.loads(await reader.readline())
            writer.close()
    except (OSError, TimeoutError, ValueError) as error:
        raise TransientError(f"the stack's control socket does not answer: {error!r}") from error
    if not answer["ok"]:
        raise TransientError(f"{command} {service}: {answer['error']}")
