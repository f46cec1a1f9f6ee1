"""`/v3`: its envelope, its addresses, and rules as ClickSend's clients know them."""

from typing import Any

import pytest
from optout_api_world import Caller

PATH = "/v3/automations/sms/inbound"
RULE = {"dedicated_number": "*", "rule_name": "Leave", "message_search_type": 1, "message_search_term": "leave"}


async def opt_out_list(caller: Caller) -> str:
    lists = (await caller.get("/v1/lists"))["lists"]
    return str(next(each["list_id"] for each in lists if each["kind"] == "opt_outs"))


async def created(caller: Caller, **fields: Any) -> dict[str, Any]:
    given = {**RULE, "action": "MOVE_CONTACT", "action_address": await opt_out_list(caller), **fields}
    answer = await caller.call("POST", PATH, json=given)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def test_a_move_to_the_opt_out_list_is_an_opt_out_and_shown_as_the_move(acme: Caller) -> None:
    rule = await created(acme)
    assert (rule["action"], rule["action_address"]) == ("MOVE_CONTACT", await opt_out_list(acme))
    ours = await acme.get(f"/v1/rules/{rule['inbound_rule_id']}")
    assert (ours["action"], ours["scope"]) == ("OPT_OUT", "list")
    other_list = str(await acme.new_list("VIP"))
    moved = await created(acme, rule_name="vip", message_search_term="vip", action_address=other_list)
    assert (moved["action"], moved["action_address"]) == ("MOVE_CONTACT", other_list)


async def test_a_change_by_v3_keeps_what_only_v1_shows(acme: Caller) -> None:
    fields = {"match": "exact", "terms": ["leave", "go away"], "action": "OPT_OUT", "scope": "account", "position": 7}
    made = await acme.call("POST", "/v1/rules", json={"rule_name": "Ours", **fields})
    one = f"{PATH}/{made.json()['inbound_rule_id']}"
    seen = (await acme.get(one))["data"]
    changed = await acme.call("PUT", one, json={**seen, "enabled": 0})
    assert (changed.status_code, changed.json()["data"]) == (200, {**seen, "enabled": 0})
    ours = await acme.get(f"/v1/rules/{seen['inbound_rule_id']}")
    assert {name: ours[name] for name in fields} == fields


async def test_the_text_of_a_reply_may_be_sent_as_body(acme: Caller) -> None:
    rule = await created(acme, message_search_term="hours", action="AUTO_REPLY", action_address=None, body="9 to 5")
    assert (rule["action_address"], rule["body"]) == ("9 to 5", "9 to 5")


async def test_deleting_answers_with_an_empty_list(acme: Caller) -> None:
    rule = await created(acme)
    deleted = await acme.call("DELETE", f"{PATH}/{rule['inbound_rule_id']}")
    assert deleted.json() == {
        "http_code": 200, "response_code": "SUCCESS", "response_msg": "Inbound rule has been deleted.", "data": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("message_search_type", {"message_search_type": 9}),
        ("message_search_type", {"message_search_type": None}),
        ("action", {"action": "EMAIL_USER"}),
        ("action_address", {"action_address": "999999"}),
        ("webhook_type", {"webhook_type": "get"}),
        ("rule_name", {"rule_name": "a\0"}),
    ],
)
async def test_a_wrong_field_is_400_and_named_in_data(acme: Caller, field: str, fields: dict[str, Any]) -> None:
    given = {**RULE, "action": "MOVE_CONTACT", "action_address": await opt_out_list(acme), **fields}
    answer = await acme.call("POST", PATH, json=given)
    body = answer.json()
    assert (answer.status_code, body["http_code"], body["response_code"]) == (400, 400, "BAD_REQUEST")
    assert body["data"] == {field: body["response_msg"]}


async def test_pages_have_absolute_addresses_that_lead_through_all(acme: Caller) -> None:
    for n in range(20):
        await created(acme, rule_name=f"rule {n}", message_search_term=f"leave{n}")
    page = (await acme.get(PATH, page=1, limit=3))["data"]
    assert (page["per_page"], page["prev_page_url"], page["path"]) == (15, None, f"http://api{PATH}")
    names = [rule["rule_name"] for rule in page["data"]]
    assert page["next_page_url"].startswith(f"http://api{PATH}?")
    while page["next_page_url"]:
        page = (await acme.call("GET", page["next_page_url"])).json()["data"]
        names += [rule["rule_name"] for rule in page["data"]]
    assert len(names) == len(set(names)) == page["total"] == page["to"]
    assert [link["label"] for link in page["links"] if link["active"]] == [str(page["current_page"])]
    found = (await acme.get(PATH, q="rule_name:rule 3,enabled:1"))["data"]
    assert ([rule["rule_name"] for rule in found["data"]], found["total"]) == (["rule 3"], 1)
    assert (await acme.call("GET", PATH, params={"q": "nonsense:1"})).status_code == 400
    for wrong in (0, -1, "x"):
        answer = await acme.call("GET", PATH, params={"page": wrong})
        assert (answer.status_code, list(answer.json()["data"])) == (400, ["page"])


async def test_a_path_ends_in_a_slash_or_not_without_a_redirect(acme: Caller) -> None:
    rule = await created(acme)
    for path in (PATH, f"{PATH}/{rule['inbound_rule_id']}"):
        for end in ("", "/"):
            assert (await acme.call("GET", path + end)).status_code == 200


async def test_what_is_not_there_or_not_offered_is_answered_in_the_envelope(acme: Caller) -> None:
    asked = {
        ("GET", "/v3/nothing"): (404, "NOT_FOUND"),
        ("PATCH", f"{PATH}/"): (405, "NOT_FOUND"),
        ("POST", "/v3/voice/send"): (403, "FORBIDDEN"),
        ("GET", "/v3/fax/history/"): (403, "FORBIDDEN"),
        ("GET", "/v3/sms-campaigns/1/link-statistics"): (403, "FORBIDDEN"),
    }
    for (method, path), expected in asked.items():
        body = (await acme.call(method, path)).json()
        assert (body["http_code"], body["response_code"]) == expected
        assert (body["data"], set(body)) == (None, {"http_code", "response_code", "response_msg", "data"})
    unknown = (await acme.http.get("/v3/fax/history")).json()
    assert (unknown["http_code"], unknown["response_code"]) == (401, "UNAUTHORIZED")
