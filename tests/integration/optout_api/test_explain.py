"""A draft rule is explained while it is written: what saving it would say, and what it does with a few replies."""

from typing import Any

import pytest
from optout_api_world import Caller

PATH = "/v1/rules/explain"
DRAFT = {"rule_name": "Leave", "match": "contains", "terms": ["leave"], "action": "OPT_OUT"}


async def explained(caller: Caller, **fields: Any) -> dict[str, Any]:
    answer = await caller.call("POST", PATH, json={**DRAFT, **fields})
    assert answer.status_code == 200, answer.text
    read: dict[str, Any] = answer.json()
    return read


async def test_it_says_what_each_reply_is_without_the_draft_and_with_it(acme: Caller) -> None:
    found = await explained(acme, texts=["Shall we LEAVE at noon", "stop", "hello"])
    assert found["problem"] is None
    leave, stop, hello = found["texts"]
    assert (leave["matches"], leave["before"]["kind"], leave["after"]["kind"]) == (True, "none", "opt_out")
    assert (leave["after"]["rule"], leave["read_as"][leave["start"] : leave["end"]]) == ("Leave", "leave")
    assert (stop["matches"], stop["before"], stop["after"]) == (False, stop["after"], stop["before"])
    assert (stop["after"]["rule"], hello["after"]["kind"]) == ("STOP", "none")
    assert "Leave" not in {each["rule_name"] for each in (await acme.get("/v1/rules"))["rules"]}


async def test_without_texts_its_own_terms_are_tried(acme: Caller) -> None:
    texts = [each["text"] for each in (await explained(acme))["texts"]]
    assert texts[0] == "leave"
    assert "please leave" in texts
    assert (await explained(acme, match="regex", terms=["le+ave"]))["texts"] == []


async def test_why_it_could_not_be_saved_is_said_beside_what_it_would_do(acme: Caller) -> None:
    found = await explained(acme, action="AUTO_REPLY", action_address="Bye", terms=["stop"], texts=["stop"])
    assert (found["problem"]["code"], found["problem"]["field"]) == ("answers_an_opt_out", "message_search_term")
    assert found["texts"][0]["after"]["kind"] == "opt_out"
    taken = await explained(acme, rule_name="STOP")
    assert taken["problem"]["field"] == "rule_name"


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"match": "regex", "terms": ["("]}, 422, "terms"),
        ({"terms": []}, 422, "message_search_term"),
        ({"action": "SING"}, 422, "action"),
        ({"texts": ["x"] * 21}, 422, "texts"),
        ({"replaces": 1}, 404, "replaces"),
    ],
)
async def test_a_field_that_cannot_be_is_refused_with_its_name(
    acme: Caller, fields: dict[str, Any], status: int, field: str
) -> None:
    answer = await acme.call("POST", PATH, json={**DRAFT, **fields})
    assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)


async def test_a_draft_that_replaces_a_rule_is_compared_with_it(acme: Caller, other: Caller) -> None:
    saved = (await acme.call("POST", "/v1/rules", json=DRAFT)).json()
    found = await explained(
        acme, replaces=saved["inbound_rule_id"], terms=["leave me"], texts=["leave me now", "leave it"]
    )
    assert found["problem"] is None
    kinds = [(each["before"]["kind"], each["after"]["kind"]) for each in found["texts"]]
    assert kinds == [("opt_out", "opt_out"), ("opt_out", "none")]
    answer = await other.call("POST", PATH, json={**DRAFT, "replaces": saved["inbound_rule_id"]})
    assert answer.status_code == 404


async def test_a_rule_that_the_appended_instruction_needs_is_not_taken_away(acme: Caller) -> None:
    (stop,) = [each for each in (await acme.get("/v1/rules"))["rules"] if each["rule_name"] == "STOP"]
    found = await explained(acme, rule_name="STOP", terms=["halt"], replaces=stop["inbound_rule_id"])
    assert found["problem"]["code"] == "word_without_rule"
