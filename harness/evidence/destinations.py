"""Where anchors are kept outside of Stopline: a file, a webhook, a time-stamping service."""

import os
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import aiohttp

from harness.evidence.time_stamps import QUERY_TYPE, REPLY_TYPE, check_reply, new_nonce, query
from shared.errors import MisconfiguredError, TransientError

_CALL = aiohttp.ClientTimeout(total=30)
_OK = 200
_MOST_REPLY_BYTES = 256 * 1024


class Destination(Protocol):
    async def keep(self, lines: bytes) -> None:
        """Keep the lines, a JSON object each; when this returns, they are kept.

        Raises:
            TransientError: they are not.
        """


def destination(to: str, folder: str | None) -> Destination:
    """Return what `--to` names.

    Raises:
        MisconfiguredError: it names nothing that there is.
    """
    kind, _, rest = to.partition(":")
    match kind:
        case "-":
            return StandardOutput()
        case "file" if rest:
            return AppendedFile(Path(rest))
        case "https" | "http":
            return Webhook(to)
        case "rfc3161" if rest.startswith(("https://", "http://")) and folder:
            return TimeStamps(rest, Path(folder))
        case "rfc3161":
            raise MisconfiguredError("--to rfc3161:https://…: say with --folder where the time stamps are kept")
    raise MisconfiguredError(f"--to {to}: write file:PATH, https://…, rfc3161:https://…, or - for standard output")


class StandardOutput:
    """The standard output of the command."""

    async def keep(self, lines: bytes) -> None:
        sys.stdout.buffer.write(lines)
        sys.stdout.buffer.flush()


class AppendedFile:
    """A file that only grows, on the disk before anything counts as kept."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def keep(self, lines: bytes) -> None:
        try:
            with self._path.open("ab") as file:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise TransientError(f"{self._path}: {error}") from error


class Webhook:
    """An address that anchors are posted to, as application/x-ndjson; any 2xx says that they are kept."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def keep(self, lines: bytes) -> None:
        await _post(self._url, lines, "application/x-ndjson")


class TimeStamps:
    """A time-stamping service (RFC 3161); the folder gets the anchors, and beside them its signed reply.

    `openssl ts -verify -data FILE.jsonl -in FILE.tsr -CAfile ...` verifies one.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder

    async def keep(self, lines: bytes) -> None:
        digest, nonce = sha256(lines).digest(), new_nonce()
        reply = await _post(self._url, query(digest, nonce), QUERY_TYPE, REPLY_TYPE)
        check_reply(reply, digest, nonce)
        name = f"anchors-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{digest.hex()[:12]}"
        for ending, content in ((".jsonl", lines), (".tsr", reply)):
            await AppendedFile(self._folder / f"{name}{ending}").keep(content)


async def _post(url: str, body: bytes, content_type: str, accepts: str | None = None) -> bytes:
    headers = {"Content-Type": content_type, "User-Agent": "stopline-evidence"}
    try:
        async with (
            aiohttp.ClientSession(timeout=_CALL) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            content = await answer.content.read(_MOST_REPLY_BYTES)
            if answer.status // 100 * 100 != _OK or (accepts and answer.content_type != accepts):
                raise TransientError(f"{url} answered {answer.status} ({answer.content_type}): {content[:200]!r}")
            return content
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise TransientError(f"{url}: {error!r}") from error
