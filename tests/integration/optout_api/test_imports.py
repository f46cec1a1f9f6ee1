"""Imports of contacts and exports: what a file may look like, what is refused, and that nothing is half done."""

import asyncio
import base64
import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from optout_api_world import ADMIN_TOKEN, Caller, Record

from services.optout import files
from services.optout.jobs.rows import BLOCK_BYTES
from shared.http import lifecycle_of
from shared.postgres import Pool

PHONE, SECOND = "+14155550100", "+14155550101"


@pytest.fixture(autouse=True)
async def _working(app: FastAPI) -> AsyncIterator[None]:
    task = asyncio.create_task(lifecycle_of(app).runtime.jobs.run())
    yield
    task.cancel()
    await asyncio.wait([task])


async def upload(caller: Caller, content: bytes) -> str:
    body = {"content": base64.b64encode(content).decode()}
    answer = await caller.call("POST", "/v3/uploads?convert=csv", json=body)
    assert answer.status_code == 200, answer.text
    url: str = answer.json()["data"]["_url"]
    return url


async def imported(caller: Caller, list_id: int, content: bytes, order: Any = "phone,first_name") -> dict[str, Any]:
    body = {"file_url": await upload(caller, content), "field_order": order}
    answer = await caller.call("POST", f"/v3/lists/{list_id}/import", json=body)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert data["ids"] == [data["id"]]
    return await caller.ended(data["id"])


async def contacts(caller: Caller, list_id: int) -> dict[str, Any]:
    read = await caller.get(f"/v1/lists/{list_id}/contacts", limit=1000)
    return {contact["phone"]: contact["fields"] for contact in read["contacts"]}


_ONE = 'phone,name\n+14155550100,"Ann ""Zoë""\nLine, 2"\n'


@pytest.mark.parametrize(
    "content",
    [
        _ONE.encode(),
        _ONE.encode("utf-8-sig"),
        _ONE.encode("utf-16"),
        _ONE.encode("utf-16-le"),
        b"\xfe\xff" + _ONE.encode("utf-16-be"),
        _ONE.replace("\n", "\r\n").encode(),
        _ONE.replace(",", ";", 2).encode(),
    ],
)
async def test_a_file_is_read_as_spreadsheets_write_it(acme: Caller, content: bytes) -> None:
    list_id = await acme.new_list("Newsletter")
    job = await imported(acme, list_id, content)
    assert (job["state"], job["result"]["added"], job["result"]["bad"]) == ("done", 1, [])
    name = (await contacts(acme, list_id))[PHONE]["first_name"].replace("\r\n", "\n")
    assert name in ('Ann "Zoë"\nLine, 2', 'Ann "Zoë"\nLine; 2')


async def test_bad_rows_are_named_and_the_good_ones_are_added(acme: Caller) -> None:
    list_id = await acme.new_list("Newsletter")
    content = (
        "phone,name\n+14155550100,Ann\n1.4155E+10,Bob\n\nnobody,Cyd\n+14155550101,\n0800,Dan\n+1415555010,short\nx\n"
    )
    job = await imported(acme, list_id, content.encode())
    result = job["result"]
    assert (result["rows"], result["added"], result["bad_rows"]) == (7, 2, 5)
    assert [bad["row"] for bad in result["bad"]] == [3, 5, 7, 8, 9]
    assert "rounded" in result["bad"][0]["reason"]
    assert await contacts(acme, list_id) == {PHONE: {"first_name": "Ann"}, SECOND: {}}


@pytest.mark.parametrize("end", [b'+14155550101,"Bob', b"+14155550101", b'+14155550101,"Bob\n+14155550102,Cyd\n'])
async def test_of_a_file_that_was_cut_off_nothing_is_added(acme: Caller, end: bytes) -> None:
    list_id = await acme.new_list("Newsletter")
    body = {"file_url": await upload(acme, b"+14155550100,Ann\n" * 3 + end), "field_order": "phone,first_name"}
    answer = await acme.call("POST", f"/v3/lists/{list_id}/import", json=body)
    if answer.status_code == 200:
        job = await acme.ended(answer.json()["data"]["id"])
        assert job["state"] == "failed"
        assert "cut off" in job["error"]
    assert await contacts(acme, list_id) == {}


async def test_an_upload_has_the_public_address_where_one_is_set(
    acme: Caller, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = lifecycle_of(app).runtime
    public = runtime.settings.model_copy(update={"public_api_url": "https://api.example/"})
    monkeypatch.setattr(lifecycle_of(app), "runtime", replace(runtime, settings=public))
    url = await upload(acme, b"+14155550100,Ann\n")
    assert url.startswith("https://api.example/v3/files/")
    list_id = await acme.new_list("People")
    preview = await acme.call("POST", f"/v3/lists/{list_id}/import-csv-preview", json={"file_url": url})
    assert preview.status_code == 200, preview.text


async def test_rows_in_several_blocks_appear_together_and_the_chunks_go(acme: Caller, pool: Pool) -> None:
    list_id = await acme.new_list("Newsletter")
    count = BLOCK_BYTES // 50
    content = "".join(f'+1415{5550000 + n},"{"x" * 60}\n{n}"\n' for n in range(count)).encode()
    assert len(content) > BLOCK_BYTES
    seen = set()

    async def look() -> None:
        while True:
            seen.add(await pool.fetchval("SELECT count(*) FROM contacts WHERE list_id = $1", list_id))

    looking = asyncio.create_task(look())
    job = await imported(acme, list_id, content)
    looking.cancel()
    assert job["result"]["added"] == count
    assert job["progress"] == {"done": len(content), "total": len(content)}
    assert seen <= {0, count}
    job_chunks = await pool.fetchval("SELECT count(*) FROM job_chunks WHERE job_id::text = $1", job["job_id"])
    assert job_chunks == 0


async def test_a_national_number_is_of_the_accounts_country(acme: Caller) -> None:
    operator = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    await acme.http.patch(f"/v1/accounts/{acme.account_id}", json={"country": "GB"}, headers=operator)
    list_id = await acme.new_list("Newsletter")
    await imported(acme, list_id, b"07911 123456,Ann\n+14155550100,Bob\n")
    assert set(await contacts(acme, list_id)) == {"+447911123456", PHONE}


async def test_an_import_lifts_no_opt_out(acme: Caller, record: Record) -> None:
    list_id = await acme.new_list("Newsletter", PHONE)
    await record.message(acme.account_id, PHONE, "stop", answered_list=list_id)
    await imported(acme, list_id, b"+14155550100,Ann\n+14155550101,Bob\n")
    assert await acme.statuses(list_id) == {PHONE: "opted_out", SECOND: "active"}


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "http://evil.test/v3/files/{token}/upload.csv",
        "http://api@evil.test/v3/files/{token}/upload.csv",
        "//api/v3/files/x/upload.csv",
        "http://api/v3/files/{wrong}/upload.csv",
        "http://[api/v3/files",
        "",
    ],
)
async def test_nothing_is_fetched_from_an_address_that_a_caller_names(acme: Caller, other: Caller, url: str) -> None:
    list_id = await acme.new_list("Newsletter")
    token = (await upload(acme, b"+14155550100,Ann\n")).split("/")[-2]
    body = {"file_url": url.format(token=token, wrong="x" * 43), "field_order": "phone,first_name"}
    for path in ("import", "import-csv-preview"):
        given = body if path == "import" else {"file_url": body["file_url"]}
        answer = await acme.call("POST", f"/v3/lists/{list_id}/{path}", json=given)
        assert 400 <= answer.status_code < 500, answer.text
        assert "file_url" in answer.text
    theirs = {"file_url": await upload(other, b"+14155550100,Ann\n"), "field_order": "phone,first_name"}
    answer = await acme.call("POST", f"/v3/lists/{list_id}/import", json=theirs)
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize(
    "order", ["name", "phone,phone", "phone,a,b", ["phone", "1"], [], "phone,first_name,last_name"]
)
async def test_a_field_order_that_the_file_does_not_have_is_refused(acme: Caller, order: Any) -> None:
    list_id = await acme.new_list("Newsletter")
    body = {"file_url": await upload(acme, b"+14155550100,Ann\n"), "field_order": order}
    answer = await acme.call("POST", f"/v3/lists/{list_id}/import", json=body)
    assert 400 <= answer.status_code < 500
    assert "field_order" in answer.text


_BAD_BODIES = [
    (b'{"content": "AAAA', "application/json"),
    (b'{"content": "A_"}', "application/json"),
    (b'{"other": 1}', "application/json"),
    (b'{"content": 7}', "application/json"),
    (b"", "application/json"),
    (b"\xff\xfe\x00", "text/csv"),
    (b"a,\xe9\n", "text/csv"),
    (b"a,\x00\n\n", "text/csv"),
    (b"--x\r\n", "multipart/form-data; boundary=x"),
    (b"x", "multipart/form-data"),
]


@pytest.mark.parametrize(("content", "content_type"), _BAD_BODIES)
async def test_what_is_not_a_file_is_refused_and_leaves_nothing(
    acme: Caller, pool: Pool, content: bytes, content_type: str
) -> None:
    answer = await acme.call("POST", "/v3/uploads", content=content, headers={"Content-Type": content_type})
    assert 400 <= answer.status_code < 500, answer.text
    assert await pool.fetchval("SELECT count(*) FROM files WHERE account_id = $1", acme.account_id) == 0


async def test_a_file_comes_as_json_a_form_or_itself_in_pieces_of_any_size(acme: Caller) -> None:
    list_id = await acme.new_list("Newsletter")
    content = ("".join(f"+1415555{n:04d},é{n}\n" for n in range(3000))).encode()
    form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + content + b"\r\n--x--\r\n"
    encoded = base64.b64encode(content).decode()
    with_escapes = json.dumps({"convert": "csv", "content": encoded, "name": "a"}).replace("/", "\\/").encode()
    bodies = [
        (with_escapes, "application/json"),
        (form, "multipart/form-data; boundary=x"),
        (content, "text/csv"),
    ]
    for size in (1, 7, 1000):
        for body, content_type in bodies:

            async def pieces(body: bytes = body, size: int = size) -> AsyncIterator[bytes]:
                for start in range(0, len(body), size):
                    yield body[start : start + size]

            headers = {"Content-Type": content_type}
            answer = await acme.call("POST", "/v3/uploads", content=pieces(), headers=headers)
            assert answer.status_code == 200, answer.text
            url = answer.json()["data"]["_url"]
            assert (await acme.http.get(url)).content == content
    preview = await acme.call("POST", f"/v3/lists/{list_id}/import-csv-preview", json={"file_url": url})
    assert preview.json()["data"] == {"row": ["+14155550000", "é0"]}


async def test_an_export_has_the_active_members_and_no_formula(
    acme: Caller, http: httpx.AsyncClient, record: Record
) -> None:
    list_id = await acme.new_list("Newsletter")
    formula = '=HYPERLINK("http://evil.test")'
    rows = [[PHONE, formula], [SECOND, "-1+1"], ["+14155550102", "gone"], ["+14155550103", "Ann, Zoë"]]
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    await imported(acme, list_id, written.getvalue().encode())
    await record.message(acme.account_id, "+14155550102", "stop", answered_list=list_id)
    answer = await acme.call("GET", f"/v3/lists/{list_id}/export", params={"filename": '../a"b\r\n.csv'})
    url = answer.json()["data"]["url"]
    fetched = await http.get(url)  # without a login: who knows the address may
    read = list(csv.DictReader(io.StringIO(fetched.content.decode("utf-8-sig"))))
    assert {row["phone"]: row["first_name"] for row in read} == {
        PHONE: f"'{formula}",
        SECOND: "'-1+1",
        "+14155550103": "Ann, Zoë",
    }
    assert "\r" not in fetched.headers["Content-Disposition"]
    assert (await http.get(url.replace(url.split("/")[-2], "x" * 43))).status_code == 404


async def test_files_go_after_ten_minutes_unless_a_job_reads_them(acme: Caller, pool: Pool) -> None:
    url = await upload(acme, b"+14155550100,Ann\n")
    async with pool.acquire() as connection:
        await connection.execute("UPDATE files SET expires_at = now() WHERE account_id = $1", acme.account_id)
        await files.expire(connection)
    assert (await acme.http.get(url)).status_code == 404
    assert await pool.fetchval("SELECT count(*) FROM files WHERE account_id = $1", acme.account_id) == 0


async def test_an_export_says_who_is_held_and_leaves_out_who_has_opted_out(acme: Caller, record: Record) -> None:
    list_id = await acme.new_list("Newsletter", PHONE, SECOND, "+14155550102")
    await record.message(acme.account_id, PHONE, "wrong number, leave me alone", answered_list=list_id)
    await record.message(acme.account_id, SECOND, "STOP", answered_list=list_id)
    status = await acme.statuses(list_id)
    assert (status[PHONE], status[SECOND]) == ("held", "opted_out")
    answer = await acme.call("GET", f"/v1/lists/{list_id}/export")
    read = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert {row["phone"]: row["status"] for row in read} == {PHONE: "held", "+14155550102": "active"}
