"""Limits of uploads: how large a file is, how much is around it, and how many an account has."""

from collections.abc import AsyncIterator

import httpx
import pytest
from optout_api_world import Caller

from services.optout import files
from services.optout.api.upload_body import CHUNK_BYTES, UploadRequest
from shared.postgres import Pool

CSV = {"Content-Type": "text/csv"}


async def _upload(caller: Caller) -> httpx.Response:
    return await caller.call("POST", "/v3/uploads", content=b"+14155550100,Ann\n", headers=CSV)


async def test_a_file_that_is_too_large_is_refused_when_that_much_has_come(
    acme: Caller, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(UploadRequest, "body_limit_bytes", 3 * CHUNK_BYTES)
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(10):
            sent += CHUNK_BYTES
            yield b"+14155550100,Ann\n".ljust(CHUNK_BYTES, b"\n")

    answer = await acme.call("POST", "/v3/uploads", content=pieces(), headers=CSV)
    assert (answer.status_code, list(answer.json()["data"]), sent) == (400, ["content"], 4 * CHUNK_BYTES)
    assert await pool.fetchval("SELECT count(*) FROM files WHERE account_id = $1", acme.account_id) == 0


@pytest.mark.parametrize("start", [b'{"other": "', b'{"content": "KzEK", "other": "'])
async def test_of_what_is_around_a_file_little_is_read(acme: Caller, start: bytes) -> None:
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        yield start
        while sent < CHUNK_BYTES:
            sent += 1024
            yield b"x" * 1024
        yield b'"}'

    answer = await acme.call("POST", "/v3/uploads", content=pieces(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert sent < CHUNK_BYTES // 8


async def test_an_account_has_a_limited_number_of_files(
    acme: Caller, other: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_LIVE", 2)
    for _ in range(2):
        assert (await _upload(acme)).status_code == 200
    refused = await _upload(acme)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    assert (await _upload(other)).status_code == 200
