"""Everything about one number on one page, and a proof pack for a complaint that shows nobody else."""

import io
import json
import zipfile

from asyncpg import Pool
from optout_api_world import NOW, NUMBER, Caller, Record

from harness.evidence.verify_evidence import Chain

PHONE = "+14155550131"
SCRIPT = "<script>alert('x')</script>"


async def _sent(pool: Pool, account_id: str, message_id: str, outcome: str) -> None:
    await pool.execute(
        "INSERT INTO sent_messages (account_id, message_id, list_id, phone, sender_number, outcome, dispatched_at,"
        " instruction) VALUES ($1, $2, 7, $3, $4, $5, $6, 'Reply STOP to opt out')",
        account_id, message_id, PHONE, NUMBER, outcome, NOW.replace(year=NOW.year - 1),
    )  # fmt: skip
    await pool.execute(
        "INSERT INTO messages (account_id, message_id, list_id, phone, sender_number, body, parts, status, created_at)"
        " VALUES ($1, 'dropped', 7, $2, $3, 'one more offer', 1, 'suppressed', $4) ON CONFLICT DO NOTHING",
        account_id, PHONE, NUMBER, NOW.replace(year=NOW.year + 1),
    )  # fmt: skip


async def test_one_page_has_what_was_sent_what_was_said_and_what_was_dropped(
    acme: Caller, record: Record, pool: Pool
) -> None:
    await _sent(pool, acme.account_id, "offer", "sent")
    await record.message(acme.account_id, PHONE, "STOP", answered_list=7)
    read = await acme.get("/v1/evidence", phone=PHONE)
    sent, reply, dropped = read["timeline"]
    assert (sent["message_id"], sent["outcome"], sent["instruction"]) == ("offer", "sent", "Reply STOP to opt out")
    assert (reply["text"], reply["answer"], reply["rule"], reply["changed"]) == ("STOP", "opt_out", "STOP", ["list:7"])
    assert reply["rule_version"] is not None
    assert (dropped["body"], dropped["outcome"]) == ("one more offer", "suppressed")
    assert [(each["scope"], each["state"]) for each in read["suppressions"]] == [("list:7", "opted_out")]


async def test_a_proof_pack_is_small_safe_and_about_one_person(
    acme: Caller, other: Caller, record: Record, pool: Pool
) -> None:
    await _sent(pool, acme.account_id, "offer", "sent")
    await record.message(other.account_id, PHONE, "of another account")
    await record.message(acme.account_id, PHONE, f"STOP {SCRIPT}")
    answer = await acme.call("GET", "/v1/evidence/proof-pack", params={"phone": PHONE})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert len(answer.content) < 200_000
    with zipfile.ZipFile(io.BytesIO(answer.content)) as pack:
        html, evidence, chain = (pack.read(name).decode() for name in ("evidence.html", "evidence.json", "chain.jsonl"))
    assert "STOP &lt;script&gt;" in html
    assert "<script" not in html
    assert len(html) < 200_000
    assert [item["what"] for item in json.loads(evidence)["timeline"]] == ["message", "decision", "message"]
    assert not [text for text in (html, evidence, chain) if "of another account" in text or other.account_id in text]


async def test_an_export_follows_from_its_own_lines(acme: Caller, other: Caller, record: Record) -> None:
    for account_id in (acme.account_id, other.account_id, acme.account_id):
        await record.message(account_id, PHONE, "STOP")
    answer = await acme.call("GET", "/v1/evidence/export", params={"phone": PHONE})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    chain = Chain(lines[0]["partition"], selection=True)
    assert [difference for line in lines for difference in chain.add(line)] == []
    assert {line["account_id"] for line in lines if "entry" in line} == {acme.account_id}
    forged = [{**line, "body": "START"} if "entry" in line else line for line in lines]
    again = Chain(lines[0]["partition"], selection=True)
    assert [difference for line in forged for difference in again.add(line)]


async def test_all_of_it_is_about_one_phone(acme: Caller) -> None:
    for path in ("/v1/evidence", "/v1/evidence/export", "/v1/evidence/proof-pack"):
        answer = await acme.call("GET", path)
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, "phone")
