"""The parts of the API that pages for people read: lists with counts, searches, the newest opt-outs, a number."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from optout_api_world import ADMIN_TOKEN, NUMBER, Caller, Record

from services.optout.api.list_counts import count_contacts
from shared.events.inbound import OptInRequested, OptOutRequested
from shared.http import lifecycle_of
from shared.postgres import Pool

# 11,003 contacts, of whom the last three have another state than the others.
MANY_CONTACTS = """
INSERT INTO contacts (account_id, list_id, phone)
SELECT $1, $2, '+1415' || lpad(n::text, 7, '0') FROM generate_series(0, 11002) AS n
"""
MANY_STOPPED = """
INSERT INTO suppressions (account_id, scope, phone, state, cause_event_id, changed_at)
SELECT $1, $2, '+1415' || lpad(n::text, 7, '0'), CASE WHEN $3 THEN 'opted_out' ELSE $4 END, gen_random_uuid(), now()
FROM generate_series(0, 11002) AS n WHERE (n < 11000) = $3
"""
ANN, BOB, CYD = "+14155550100", "+14155550101", "+14155550102"


@pytest.fixture
async def _working(app: FastAPI) -> AsyncIterator[None]:
    task = asyncio.create_task(lifecycle_of(app).runtime.jobs.run())
    yield
    task.cancel()
    await asyncio.wait([task])


def asked(account_id: str, phone: str, scope: str, **fields: Any) -> OptOutRequested:
    given = {"source": "phone_call", "statement": "no more, she said", "by": "ada", **fields}
    at = datetime.now(UTC)
    return OptOutRequested(
        event_id=uuid4(), occurred_at=at, account_id=account_id, phone=phone, scopes=(scope,), asked_at=None, **given
    )


async def test_lists_are_counted_with_those_who_left_them_or_everything(acme: Caller, record: Record) -> None:
    first, second = await acme.new_list("First", ANN, BOB, CYD), await acme.new_list("Second", ANN)
    await record.decided(asked(acme.account_id, ANN, f"list:{first}"))
    await record.decided(asked(acme.account_id, BOB, "account"))
    await record.decided(asked(acme.account_id, BOB, f"list:{first}"))
    counted = {each["list_id"]: each["counts"] for each in (await acme.get("/v1/lists", counts="true"))["lists"]}
    assert counted[first] == {"contacts": 3, "opted_out": 2, "held": 0}
    assert counted[second] == {"contacts": 1, "opted_out": 0, "held": 0}
    assert sorted(each["opted_out"] for each in counted.values()) == [0, 0, 2, 3]  # the opt-out list has three
    assert (await acme.get(f"/v1/lists/{first}", counts="true"))["counts"] == counted[first]
    assert "counts" not in await acme.get(f"/v1/lists/{first}")


async def test_another_accounts_list_is_not_found(acme: Caller, other: Caller, pool: Pool) -> None:
    theirs = await other.new_list("Theirs", ANN)
    for path in (f"/v1/lists/{theirs}", f"/v1/lists/{theirs}/export", "/v1/opt-outs", "/v1/opt-outs/export"):
        answer = await acme.call("GET", path, params={"list_id": theirs} if "opt-outs" in path else {})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found"), path
    async with pool.acquire() as connection:
        counts = await count_contacts(connection, acme.account_id, [theirs])
    assert counts[theirs]["opted_out"] == 0


@pytest.mark.parametrize(
    ("asked_for", "found"),
    [
        ({"q": "(415) 555-0101"}, [BOB]),
        ({"q": "4155550101"}, [BOB]),
        ({"q": "0101"}, [BOB]),
        ({"q": "5 0101"}, [BOB]),
        ({"q": "(415) 555"}, [ANN, BOB, CYD]),
        ({"q": "ann sm"}, [ANN]),
        ({"q": "CYD@EXAMPLE"}, [CYD]),
        ({"q": "100%"}, []),
        ({"q": "_"}, []),
        ({"status": "opted_out"}, [BOB]),
        ({"status": "active"}, [ANN, CYD]),
        ({"status": "held"}, []),
        ({"status": "active", "q": "0101"}, []),
    ],
)
async def test_contacts_are_found_by_number_name_and_state(
    asked_for: dict[str, str], found: list[str], acme: Caller, record: Record
) -> None:
    token = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    await acme.http.patch(f"/v1/accounts/{acme.account_id}", json={"country": "US"}, headers=token)
    list_id = await acme.new_list("Newsletter")
    people = [(ANN, {"first_name": "Ann", "last_name": "Smith"}), (BOB, {}), (CYD, {"email": "cyd@example.com"})]
    body = {"contacts": [{"phone": phone, "fields": fields} for phone, fields in people]}
    await acme.call("POST", f"/v1/lists/{list_id}/contacts", json=body)
    await record.decided(asked(acme.account_id, BOB, f"list:{list_id}"))
    read = await acme.get(f"/v1/lists/{list_id}/contacts", **asked_for)
    assert [each["phone"] for each in read["contacts"]] == found


async def test_who_is_held_is_found_as_held(acme: Caller, record: Record) -> None:
    list_id = await acme.new_list("Newsletter", ANN, BOB)
    await record.message(acme.account_id, ANN, "wrong number, leave me alone", answered_list=list_id)
    assert await acme.statuses(list_id) == {ANN: "held", BOB: "active"}
    read = await acme.get(f"/v1/lists/{list_id}/contacts", status="held")
    assert [each["phone"] for each in read["contacts"]] == [ANN]


@pytest.mark.parametrize("status", ["active", "opted_out", "held"])
async def test_where_nearly_everybody_has_another_state_a_page_is_short_and_the_next_goes_on(
    status: str, acme: Caller, pool: Pool
) -> None:
    list_id = await acme.new_list("Newsletter")
    others = "opted_out" if status == "active" else "active"
    async with pool.acquire() as connection:
        await connection.execute(MANY_CONTACTS, acme.account_id, list_id)
        await connection.execute(MANY_STOPPED, acme.account_id, f"list:{list_id}", others == "opted_out", status)
    pages = [await acme.get(f"/v1/lists/{list_id}/contacts", status=status, limit=2)]
    while pages[-1]["next"]:
        path = f"/v1/lists/{list_id}/contacts"
        pages.append(await acme.get(path, status=status, limit=2, after=pages[-1]["next"]))
    found = [(each["phone"], each["status"]) for page in pages for each in page["contacts"]]
    assert found == [(f"+1415{n:07d}", status) for n in (11_000, 11_001, 11_002)]
    assert (len(pages) == 3) == (status == "active"), "an empty page, two contacts, one contact"


async def test_the_opt_out_list_has_the_newest_first_in_pages(acme: Caller, record: Record) -> None:
    phones = [f"+1415555{n:04d}" for n in (9, 3, 7, 1, 5)]
    for phone in phones:
        await record.message(acme.account_id, phone, "stop")
    seen: list[str] = []
    page: dict[str, Any] = {"next": None}
    while True:
        after = {"after": page["next"]} if page["next"] else {}
        page = await acme.get("/v1/opt-outs", order="newest", limit=2, **after)
        seen += [each["phone"] for each in page["opt_outs"]]
        if not page["next"]:
            break
    assert seen == phones[::-1]


async def test_the_opt_out_list_is_filtered_by_how_where_when_and_to_which_number(acme: Caller, record: Record) -> None:
    list_id = await acme.new_list("Newsletter", ANN, BOB)
    await record.message(acme.account_id, ANN, "stop", answered_list=list_id)
    await record.decided(asked(acme.account_id, BOB, "account"))
    await record.decided(asked(acme.account_id, CYD, f"sender:{NUMBER}", source="import"))
    for filters, phones in [
        ({"source": "reply"}, [ANN]),
        ({"source": "phone_call"}, [BOB]),
        ({"source": "link"}, []),
        ({"list_id": list_id}, [ANN]),
        ({"sender_number": "+1 415 555 0199"}, [CYD, ANN]),
        ({"since": "2026-11-24T12:00:00Z", "until": "2026-11-24T13:00:00Z"}, [ANN]),
        ({"phone": BOB}, [BOB]),
        ({"state": "held"}, []),
        ({}, [BOB, CYD, ANN]),
    ]:
        read = await acme.get("/v1/opt-outs", order="newest", **filters)  # type: ignore[arg-type]
        assert sorted(each["phone"] for each in read["opt_outs"]) == sorted(phones), filters
        written = await acme.call("GET", "/v1/opt-outs/export", params=filters)
        rows = list(csv.DictReader(io.StringIO(written.content.decode("utf-8-sig"))))
        assert sorted(row["phone"] for row in rows) == sorted(phones), filters
    for filters in (
        {"sender_number": "?"},
        {"since": "yesterday"},
        {"since": "0001-01-01T00:00:00+14:00"},
        {"source": "x"},
    ):
        assert (await acme.call("GET", "/v1/opt-outs", params=filters)).status_code == 422, filters


async def test_an_exported_text_cannot_be_a_formula(acme: Caller, record: Record) -> None:
    await record.decided(asked(acme.account_id, ANN, "account", statement='=HYPERLINK("http://evil","x")'))
    written = (await acme.call("GET", "/v1/opt-outs/export")).content.decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(written))
    assert row["text"] == '\'=HYPERLINK("http://evil","x")'
    assert (row["how"], row["by"], row["phone"]) == ("phone_call", "ada", ANN)


async def test_a_number_has_its_lists_and_what_keeps_messages_from_it(
    acme: Caller, other: Caller, record: Record
) -> None:
    token = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    await acme.http.patch(f"/v1/accounts/{acme.account_id}", json={"country": "US"}, headers=token)
    list_id = await acme.new_list("Newsletter", ANN)
    await other.new_list("Theirs", ANN)
    await record.message(acme.account_id, ANN, "Stop.", answered_list=list_id)
    for spelling in (ANN, "415-555-0100", "415/555/0100"):
        read = await acme.get("/v1/numbers", phone=spelling)
        assert (read["phone"], read["country"], read["written"]) == (ANN, "US", "+1 415-555-0100")
        (on,) = read["lists"]
        assert (on["list_id"], on["name"], on["removed_at"]) == (list_id, "Newsletter", None)
        (state,) = read["states"]
        assert (state["scope"], state["list_name"], state["state"]) == (f"list:{list_id}", "Newsletter", "opted_out")
        assert (state["source"], state["text"], state["rule"]) == ("reply", "Stop.", "STOP")
    assert (await other.get("/v1/numbers", phone=ANN))["states"] == []
    assert (await acme.call("GET", "/v1/numbers?phone=nobody")).status_code == 422


async def test_an_opt_in_lifts_only_the_opt_out_that_it_names(acme: Caller, record: Record) -> None:
    seen, since = asked(acme.account_id, ANN, "account"), asked(acme.account_id, ANN, "account")
    await record.decided(seen)
    await record.decided(opted_in(acme.account_id, uuid4()))
    assert [each["phone"] for each in (await acme.get("/v1/opt-outs"))["opt_outs"]] == [ANN]
    await record.decided(opted_in(acme.account_id, seen.event_id))
    assert (await acme.get("/v1/opt-outs"))["opt_outs"] == []
    await record.decided(since)
    await record.decided(opted_in(acme.account_id, seen.event_id))
    assert [each["phone"] for each in (await acme.get("/v1/opt-outs"))["opt_outs"]] == [ANN]


def opted_in(account_id: str, lifts: UUID) -> OptInRequested:
    at = datetime.now(UTC)
    return OptInRequested(
        event_id=uuid4(), occurred_at=at, account_id=account_id, phone=ANN, scopes=("account",), by="ada",
        source="by_hand", statement="she agreed", consented_at=None, lifts=lifts,
    )  # fmt: skip


@pytest.mark.usefixtures("_working")
async def test_a_file_is_shown_with_its_columns_and_then_imported(acme: Caller, other: Caller) -> None:
    list_id = await acme.new_list("Newsletter")
    content = f"Mobile Number,First Name,Notes\n{ANN},Ann,=1+1\nnobody,Bob,\n{BOB},Bob,\n"
    made = await acme.call("POST", "/v1/uploads", content=content.encode(), headers={"Content-Type": "text/csv"})
    assert made.status_code == 201, made.text
    upload = made.json()
    assert (upload["columns"], upload["has_header"]) == (["phone", "first_name", "skip"], True)
    assert upload["rows"][1] == [ANN, "Ann", "=1+1"]
    assert await acme.get(f"/v1/uploads/{upload['upload_id']}") == upload
    assert (await other.call("GET", f"/v1/uploads/{upload['upload_id']}")).status_code == 404
    body = {"upload_id": upload["upload_id"], "columns": upload["columns"]}
    theirs = await other.new_list("Theirs")
    assert (await other.call("POST", f"/v1/lists/{theirs}/imports", json=body)).status_code == 404
    started = await acme.call("POST", f"/v1/lists/{list_id}/imports", json=body)
    assert started.status_code == 202, started.text
    job = await acme.ended(started.json()["job_id"])
    assert (job["result"]["added"], [bad["row"] for bad in job["result"]["bad"]]) == (2, [3])
    assert [
        each["job_id"] for each in (await acme.get("/v1/jobs", list_id=list_id, kind="contact_import"))["jobs"]
    ] == [job["job_id"]]
    assert (await acme.get("/v1/jobs", list_id=list_id, kind="clean_up"))["jobs"] == []


@pytest.mark.parametrize("columns", [["first_name"], ["phone", "phone"], ["phone", "colour"], ["phone"] + ["skip"] * 9])
async def test_columns_that_cannot_be_are_refused_before_anything_starts(columns: list[str], acme: Caller) -> None:
    list_id = await acme.new_list("Newsletter")
    made = await acme.call("POST", "/v1/uploads", content=ANN.encode(), headers={"Content-Type": "text/csv"})
    body = {"upload_id": made.json()["upload_id"], "columns": columns}
    answer = await acme.call("POST", f"/v1/lists/{list_id}/imports", json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "columns"), answer.text


@pytest.mark.usefixtures("_working")
async def test_a_clean_up_can_be_undone_until_it_was(acme: Caller) -> None:
    list_id = await acme.new_list("Newsletter", ANN, "+14155550")
    started = await acme.call("POST", f"/v1/lists/{list_id}/clean-up", json={"what": ["invalid"]})
    done = await acme.ended(started.json()["job_id"])
    assert (done["result"]["invalid"], done["undone_by"]) == (1, None)
    days = datetime.fromisoformat(done["undoable_until"]) - datetime.fromisoformat(done["ended_at"])
    assert days.days == 30
    undone = await acme.call("POST", f"/v1/lists/{list_id}/clean-ups/{done['job_id']}/undo")
    undo = await acme.ended(undone.json()["job_id"])
    assert undo["undoable_until"] is None
    again = await acme.get(f"/v1/jobs/{done['job_id']}")
    assert (again["undoable_until"], again["undone_by"]) == (None, undo["job_id"])


async def test_the_newest_entries_about_a_number_come_first_where_they_are_asked_for(
    acme: Caller, record: Record
) -> None:
    for text in ("stop", "start", "stop", "start", "stop"):
        await record.message(acme.account_id, ANN, text)
    oldest = (await acme.get("/v1/evidence", phone=ANN))["entries"]
    seen: list[Any] = []
    page: dict[str, Any] = {"next": None}
    while not seen or page["next"]:
        after = {"after": page["next"]} if page["next"] else {}
        page = await acme.get("/v1/evidence", phone=ANN, order="newest", limit=2, **after)
        times = [each["at"] for each in page["timeline"]]
        assert times == sorted(times)
        seen += page["entries"]
    assert (len(seen), seen) == (5, oldest[::-1])


async def test_a_short_code_does_not_find_the_opt_outs_of_a_list_whose_id_ends_so(acme: Caller, record: Record) -> None:
    await record.decided(asked(acme.account_id, ANN, "list:1255555"))
    await record.decided(asked(acme.account_id, BOB, "sender:55555"))
    read = await acme.get("/v1/opt-outs", sender_number="55555")
    assert [each["phone"] for each in read["opt_outs"]] == [BOB]


async def test_more_exports_than_connections_are_read_at_once(acme: Caller) -> None:
    list_id = await acme.new_list("Newsletter", ANN)
    read = await asyncio.gather(*(acme.call("GET", f"/v1/lists/{list_id}/export") for _ in range(12)))
    assert [each.text.count(ANN) for each in read] == [1] * 12
