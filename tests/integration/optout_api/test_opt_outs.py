"""The opt-out list, the inbox, the suppressions and the evidence of what people wrote."""

import hashlib
from typing import Any

import pytest
from optout_api_world import NUMBER, Caller, Record

from harness.postgres import PostgresServer
from shared.postgres import Pool

PHONE = "+14155550100"


async def test_an_opt_out_is_listed_with_the_message_that_caused_it(acme: Caller, record: Record) -> None:
    list_id = await acme.new_list("Left", PHONE)
    entry = await record.message(acme.account_id, PHONE, "Stop.", answered_list=list_id)
    (opt_out,) = (await acme.get("/v1/opt-outs", phone=PHONE))["opt_outs"]
    assert opt_out == {
        "phone": PHONE,
        "scope": f"list:{list_id}",
        "list_id": list_id,
        "list_name": "Left",
        "state": "opted_out",
        "source": "reply",
        "opted_out_at": "2026-11-24T12:00:00.000000Z",
        "cause": {
            "event_id": str(entry.event_id),
            "body": "Stop.",
            "sender_number": NUMBER,
            "message_id": f"message-of-{list_id}",
            "rule": "STOP",
            "rule_version": 1,
            "attribution": "last_message",
            "reach_policy": None,
            "gateway": "clicksend",
            "by": None,
        },
    }


async def test_who_opts_back_in_leaves_the_list_and_keeps_an_explicit_state(acme: Caller, record: Record) -> None:
    await record.message(acme.account_id, PHONE, "stop")
    entry = await record.message(acme.account_id, PHONE, "start")
    assert (await acme.get("/v1/opt-outs"))["opt_outs"] == []
    read = await acme.get(f"/v1/suppressions/{PHONE}")
    assert read["phone"] == PHONE
    (state,) = read["suppressions"]
    assert (state["scope"], state["state"]) == ("account", "opted_in")
    assert state["cause_event_id"] == str(entry.event_id)


async def _all(caller: Caller, path: str, name: str, **params: Any) -> list[Any]:
    page = await caller.get(path, limit=2, **params)
    found: list[Any] = page[name]
    while page["next"]:
        page = await caller.get(path, limit=2, after=page["next"], **params)
        found += page[name]
    return found


async def test_pages_hold_each_row_once_and_only_the_accounts_own(acme: Caller, other: Caller, record: Record) -> None:
    phones = [f"+141555503{n:02d}" for n in range(5)]
    for phone in phones:
        await record.message(acme.account_id, phone, "stop")
        await record.message(other.account_id, phone, "stop")
    await record.message(acme.account_id, phones[0], "stop", answered_list=await acme.new_list("Left"))
    rows = await _all(acme, "/v1/opt-outs", "opt_outs")
    assert [row["phone"] for row in rows] == [phones[0], *phones]
    assert [row["scope"] for row in await _all(acme, "/v1/opt-outs", "opt_outs", phone=phones[1])] == ["account"]
    written = await _all(acme, "/v1/inbox", "messages")
    assert [row["phone"] for row in written] == [phones[0], *reversed(phones)]


async def test_the_inbox_shows_what_was_written_and_decided_newest_first(acme: Caller, record: Record) -> None:
    for body in ("Hello?", "stop", "STOP!"):
        await record.message(acme.account_id, PHONE, body)
    await record.message(acme.account_id, "+14155550111", "thanks")
    read = (await acme.get("/v1/inbox", phone=PHONE))["messages"]
    published = [(row["body"], row["decision"]["answer"], row["decision"]["reason"]) for row in read]
    assert published == [
        ("STOP!", "opt_out", "already_opted_out"),
        ("stop", "opt_out", "opted_out"),
        ("Hello?", "none", "no_rule"),
    ]
    assert (read[1]["decision"]["changed"], read[1]["decision"]["attribution"]) == (["account"], "account")


async def test_evidence_can_be_checked_by_its_reader_with_sha256_alone(
    acme: Caller, other: Caller, record: Record
) -> None:
    await record.message(other.account_id, "+14155550122", "between")
    await record.message(acme.account_id, PHONE, "stop")
    await record.message(other.account_id, PHONE, "another account's")
    await record.message(acme.account_id, PHONE, "start")
    entries = await _all(acme, "/v1/evidence", "entries", phone=PHONE)
    assert [entry["body"] for entry in entries] == ["stop", "start"]
    for entry in entries:
        chained = bytes.fromhex(entry["previous_hash"]) + hashlib.sha256(entry["entry"].encode()).digest()
        assert hashlib.sha256(chained).hexdigest() == entry["hash"]
        assert entry["intact"]


@pytest.mark.parametrize(
    "change",
    ["entry = replace(entry, 'opted_out', 'no_rule')", "body = 'go on'", "hash = sha256('x')"],
)
async def test_evidence_that_was_changed_afterwards_says_so(
    acme: Caller, record: Record, pool: Pool, change: str
) -> None:
    await record.message(acme.account_id, PHONE, "stop")
    async with pool.acquire() as owner:
        await owner.execute("ALTER TABLE decisions DISABLE TRIGGER USER")
        await owner.execute(f"UPDATE decisions SET {change} WHERE account_id = $1", acme.account_id)
        await owner.execute("ALTER TABLE decisions ENABLE TRIGGER USER")
    (entry,) = (await acme.get("/v1/evidence", phone=PHONE))["entries"]
    assert not entry["intact"]


async def test_a_plus_sign_that_was_not_escaped_is_understood(acme: Caller, record: Record) -> None:
    await record.message(acme.account_id, PHONE, "stop")
    for path in (f"/v1/opt-outs?phone={PHONE}", "/v1/opt-outs?phone=14155550100"):
        answer = await acme.call("GET", path)
        assert len(answer.json()["opt_outs"]) == 1


@pytest.mark.parametrize("path", ["/v1/opt-outs", "/v1/inbox", "/v1/evidence"])
async def test_a_phone_that_is_none_is_refused(acme: Caller, path: str) -> None:
    answer = await acme.call("GET", path, params={"phone": "hello"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "phone")


async def test_evidence_is_always_about_one_phone(acme: Caller) -> None:
    answer = await acme.call("GET", "/v1/evidence")
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "phone")


async def test_while_the_database_is_unavailable_the_answer_is_503_and_afterwards_all_is_as_before(
    acme: Caller, postgres_of_api: PostgresServer
) -> None:
    await acme.new_list("Kept")
    await postgres_of_api.kill()
    try:
        answer = await acme.call("GET", "/v1/lists")
    finally:
        await postgres_of_api.start()
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "2"
    assert [row["name"] for row in (await acme.get("/v1/lists"))["lists"]] == ["Opt Out List", "Default List", "Kept"]
