"""The gate by the API: what an account may choose, and the early answer about a text that the sender would reject."""

from typing import Any

import pytest
from optout_api_world import APPENDS, NUMBER, Caller

PATH = "/v1/account/gate"
RULE = {
    "dedicated_number": "*", "rule_name": "Leave", "message_search_type": 1, "message_search_term": "leave",
    "action": "OPT_OUT",
}  # fmt: skip


async def put(caller: Caller, status: int = 200, **given: Any) -> dict[str, Any]:
    answer = await caller.call("PUT", PATH, json=given)
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body if status == 200 else body["error"]


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        ({"policy": "append"}, "missing", "instruction: write what is added"),
        ({"policy": "append", "instruction": "Thank you"}, "invalid", "does not say how to opt out"),
        ({"policy": "append", "instruction": "Reply LEAVE to opt out"}, "word_without_rule", "matches LEAVE"),
        ({"policy": "append", "instruction": "Text LEAVE to 12345"}, "word_without_rule", "matches LEAVE to 12345"),
        ({"policy": "append", "instruction": "x" * 161}, "invalid", "instruction"),
        ({"policy": "ignore"}, "invalid", "policy"),
    ],
)
async def test_a_policy_that_keeps_no_promise_is_refused_and_nothing_changes(
    acme: Caller, given: dict[str, Any], code: str, says: str
) -> None:
    before = await acme.get(PATH)
    error = await put(acme, 422, **given)
    assert (error["code"], says in error["message"]) == (code, True), error
    assert await acme.get(PATH) == before


async def test_the_words_of_the_account_are_shown_and_its_instruction_keeps_its_rule(acme: Caller) -> None:
    made = (await acme.call("POST", "/v1/rules", json=RULE)).json()
    shown = await put(acme, policy="append", instruction="Reply LEAVE to opt out", exempts_conversational=True)
    assert shown == await acme.get(PATH)
    assert (shown["instruction_segments"], shown["exempts_conversational"]) == (1, True)
    assert {"stop", "leave"} <= set(shown["words"]["*"])
    one = f"/v1/rules/{made['inbound_rule_id']}"
    for answer in (
        await acme.call("DELETE", one),
        await acme.call("PUT", one, json={**RULE, "enabled": 0}),
        await acme.call("PUT", one, json={**RULE, "message_search_term": "depart"}),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "word_without_rule")
    await put(acme, policy="reject")
    assert (await acme.call("DELETE", one)).status_code == 200


async def test_texts_that_the_sender_would_reject_are_said_early(acme: Caller) -> None:
    list_id = await acme.new_list("news", "+14155550100")
    await put(acme, policy="reject")
    texts = {
        "Sale": ("OPT_OUT_INSTRUCTION_MISSING", "no_way_out"),
        "Sale. Reply BANANA to opt out": ("OPT_OUT_WORD_WITHOUT_RULE", "word_without_rule"),
        "Sale. Reply STOP to opt out": ("SUCCESS", None),
        "Sale. {{opt_out_link}}": ("SUCCESS", None),
    }
    for text, (status, code) in texts.items():
        message = {"body": text, "to": "+14155550100", "from": NUMBER}
        sent = (await acme.call("POST", "/v3/sms/send", json={"messages": [message]})).json()["data"]
        assert [each["status"] for each in sent["messages"]] == [status]
        campaign = {"list_id": list_id, "name": "Sale", "sender_number": NUMBER, "body": text}
        answer = await acme.call("POST", "/v1/campaigns", json=campaign)
        assert answer.status_code == (422 if code else 201)
        assert code is None or answer.json()["error"]["code"] == code
    await put(acme, **APPENDS)
    message = {"body": "Sale", "to": "+14155550100", "from": NUMBER}
    sent = (await acme.call("POST", "/v3/sms/send", json={"messages": [message]})).json()["data"]
    assert [each["status"] for each in sent["messages"]] == ["SUCCESS"]


async def test_a_link_alone_is_an_instruction_where_links_are_made(acme: Caller) -> None:
    shown = await put(acme, policy="append", instruction="Opt out: {{opt_out_link}}")
    assert shown["instruction"] == "Opt out: {{opt_out_link}}"
    # No rule is needed for it; a plain STOP needs one all the same.
    for rule in (await acme.get("/v1/rules"))["rules"]:
        deleted = await acme.call("DELETE", f"/v1/rules/{rule['inbound_rule_id']}")
        assert deleted.status_code == 200 or rule["rule_name"] == "STOP", deleted.text


async def test_the_price_counts_what_is_appended(acme: Caller) -> None:
    async def parts(body: str) -> int:
        message = {"body": body, "to": "+14155550100", "from": NUMBER}
        priced = (await acme.call("POST", "/v3/sms/price", json={"messages": [message]})).json()["data"]
        return int(priced["messages"][0]["message_parts"])

    await put(acme, **APPENDS)
    assert (await parts("x" * 130), await parts("x" * 150)) == (1, 2)
    assert await parts("x" * 130 + " Reply STOP to opt out") == 1
    await put(acme, policy="append", instruction="{{opt_out_link}}")
    link = "https://o.example/12345678901"
    fits = 160 - len(f" {link}")
    assert (await parts("x" * fits), await parts("x" * (fits + 1))) == (1, 2)
