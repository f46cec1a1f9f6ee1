"""The control socket of a background stack: one JSON request and one JSON answer per connection.

Requests: `{"command": "stop" | "start" | "kill" | "pause" | "resume" | "restart", "service": "sender"}`. The answer is
`{"ok": true}` once it is done (a started service is ready), or `{"ok": false, "error": "…"}`. Two commands are for the
stack as a whole: `status` answers with `states`, a text for each part that does not run, and `frozen`, the names of
those among them that are frozen; `repair` starts or thaws these parts and answers with their names as `started`.
"""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from shared.errors import TransientError

COMMANDS = ("stop", "start", "kill", "pause", "resume", "restart")
WHOLE = ("status", "repair")
_MAX_REQUEST_BYTES = 4096
_ANSWER_SECONDS = 180.0  # longer than a part may need until it is ready


class Handler(Protocol):
    """A background stack, as its control socket sees it."""

    async def control(self, command: str, name: str) -> None: ...

    async def repair(self) -> list[str]: ...

    def states(self) -> Mapping[str, str]: ...

    def frozen(self) -> list[str]: ...


async def serve(path: Path, handle: Handler) -> asyncio.Server:
    """Listen at `path`; `handle` obeys each request, or raises."""
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
        match request["command"]:
            case "status":
                return {"ok": True, "states": dict(handle.states()), "frozen": handle.frozen()}
            case "repair":
                return {"ok": True, "started": await handle.repair()}
            case command if command in COMMANDS:
                await handle.control(command, request["service"])
            case command:
                return {"ok": False, "error": f"unknown command {command!r}; there are {', '.join(COMMANDS + WHOLE)}"}
    except Exception as error:  # noqa: BLE001 (the client gets the error, whatever it is; the stack goes on)
        return {"ok": False, "error": str(error) or type(error).__name__}
    return {"ok": True}


async def ask(path: Path, command: str, service: str = "", *, seconds: float = _ANSWER_SECONDS) -> dict[str, Any]:
    """Have the stack at `path` do `command` to `service`, wait until it is done, and return its answer.

    Raises:
        TransientError: it could not be done.
    """
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(json.dumps({"command": command, "service": service}).encode() + b"\n")
            await writer.drain()
            answer: dict[str, Any] = json.loads(await reader.readline())
            writer.close()
    except TimeoutError:
        raise TransientError(f"the stack did not answer within {seconds:.0f} s") from None
    except (OSError, ValueError) as error:
        raise TransientError(f"the stack's control socket does not answer: {error!r}") from error
    if not answer["ok"]:
        raise TransientError(f"{command} {service}: {answer['error']}" if service else str(answer["error"]))
    return answer
