"""Anchors are kept where nobody of Stopline can change them: in a file, by a webhook, by a time-stamping service."""

import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp import web

from harness.evidence.destinations import destination
from harness.evidence.time_stamps import check_reply, new_nonce, query
from shared.errors import MisconfiguredError, TransientError

LINES = b'{"partition":3,"sequence":7}\n'
_CONFIG = """
[tsa]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
[ext]
extendedKeyUsage = critical,timeStamping
"""


@asynccontextmanager
async def served(handler: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=30)


async def test_a_file_only_grows(tmp_path: Path) -> None:
    kept = destination(f"file:{tmp_path}/anchors", None)
    await kept.keep(LINES)
    await kept.keep(LINES)
    assert (tmp_path / "anchors").read_bytes() == LINES * 2
    with pytest.raises(TransientError):
        await destination(f"file:{tmp_path}/no/anchors", None).keep(LINES)


async def test_a_webhook_that_does_not_answer_2xx_has_nothing() -> None:
    seen: list[bytes] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(await request.read())
        return web.Response(status=204 if len(seen) > 1 else 500)

    async with served(answer) as url:
        with pytest.raises(TransientError):
            await destination(url, None).keep(LINES)
        await destination(url, None).keep(LINES)
    assert seen == [LINES, LINES]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl on this machine")
async def test_a_time_stamp_is_one_that_openssl_verifies(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(_CONFIG)
    (tmp_path / "serial").write_text("01\n")
    openssl(tmp_path, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-out", "cert", "-subj",
            "/CN=tsa", "-addext", "extendedKeyUsage=critical,timeStamping")  # fmt: skip

    async def stamp(request: web.Request) -> web.Response:
        (tmp_path / "query").write_bytes(await request.read())
        openssl(tmp_path, "ts", "-reply", "-config", "config", "-section", "tsa", "-queryfile", "query", "-signer",
                "cert", "-inkey", "key", "-out", "reply")  # fmt: skip
        return web.Response(body=(tmp_path / "reply").read_bytes(), content_type="application/timestamp-reply")

    folder = tmp_path / "stamps"
    folder.mkdir()
    async with served(stamp) as url:
        await destination(f"rfc3161:{url}", str(folder)).keep(LINES)
    data, reply = sorted(folder.iterdir())
    assert data.read_bytes() == LINES
    openssl(tmp_path, "ts", "-verify", "-data", str(data), "-in", str(reply), "-CAfile", "cert")
    digest, nonce = sha256(LINES).digest(), new_nonce()
    with pytest.raises(TransientError, match="another query"):
        check_reply(reply.read_bytes(), digest, nonce)
    with pytest.raises(TransientError, match="refused"):
        check_reply(query(digest, nonce), digest, nonce)


@pytest.mark.parametrize("to", ["", "file:", "ftp://a", "rfc3161:https://tsa.example", "anchors.jsonl"])
def test_what_names_nothing_is_refused(to: str) -> None:
    with pytest.raises(MisconfiguredError, match="--to"):
        destination(to, None)
