"""Rules by `/v1`: their versions, what is refused and how, packs."""

import random
import time
from typing import Any

import pytest
from optout_api_world import Caller
from pydantic import TypeAdapter

from services.optout.decision_log.stored_rules import StoredRules
from services.optout.rules import DEFAULT_RULES, Rule
from services.optout.rules.size import LIMITS
from shared.postgres import Pool

PATH = "/v1/rules"
RULE = {
    "dedicated_number": "*",
    "rule_name": "Leave",
    "message_search_type": 1,
    "message_search_term": "leave",
    "action": "OPT_OUT",
}


async def answer_of(pool: Pool, caller: Caller, body: str) -> tuple[str, int | None]:
    """Return what the pipeline would answer, with the version of the rule, by the rules as they are now."""
    async with pool.acquire() as connection:
        rules = (await StoredRules().load(connection, [caller.account_id]))[caller.account_id].rules
    found = rules.match(body)
    return found.kind, found.version


async def created(caller: Caller, **fields: Any) -> dict[str, Any]:
    answer = await caller.call("POST", PATH, json={**RULE, **fields})
    assert answer.status_code == 201, answer.text
    return TypeAdapter(dict[str, Any]).validate_python(answer.json())


async def refused(caller: Caller, status: int, field: str, **fields: Any) -> str:
    answer = await caller.call("POST", PATH, json={**RULE, **fields})
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["field"] == field
    return str(answer.json()["error"]["message"])


async def test_a_new_account_lists_the_default_rules(acme: Caller) -> None:
    rules = (await acme.get(PATH))["rules"]
    assert [rule["rule_name"] for rule in rules] == [rule.name for rule in DEFAULT_RULES]


async def test_a_rule_holds_from_the_next_message_on_in_each_of_its_versions(acme: Caller, pool: Pool) -> None:
    assert await answer_of(pool, acme, "leave now") == ("none", None)
    rule = await created(acme)
    assert await answer_of(pool, acme, "leave now") == ("opt_out", 1)
    one = f"{PATH}/{rule['inbound_rule_id']}"
    changed = await acme.call("PUT", one, json={**RULE, "message_search_term": "depart"})
    assert changed.json()["version"] == 2
    assert await answer_of(pool, acme, "leave now") == ("none", None)
    assert await answer_of(pool, acme, "depart now") == ("opt_out", 2)
    assert (await acme.get(one))["message_search_term"] == "depart"
    await acme.call("PUT", one, json={**RULE, "enabled": 0})
    assert await answer_of(pool, acme, "leave now") == ("none", None)
    assert (await acme.call("DELETE", one)).status_code == 200
    assert (await acme.call("GET", one)).status_code == 404


async def test_an_account_may_delete_every_rule_but_the_last_that_heeds_a_plain_stop(acme: Caller, pool: Pool) -> None:
    await acme.call("PUT", "/v1/account/gate", json={"policy": "reject"})
    kept = []
    for rule in (await acme.get(PATH))["rules"]:
        answer = await acme.call("DELETE", f"{PATH}/{rule['inbound_rule_id']}")
        if answer.status_code != 200:
            assert (answer.status_code, answer.json()["error"]["code"]) == (422, "stop_without_rule")
            kept.append(rule)
    assert [rule["rule_name"] for rule in kept] == ["STOP"]
    one = f"{PATH}/{kept[0]['inbound_rule_id']}"
    given = {name: kept[0][name] for name in ("rule_name", "match", "terms", "action")}
    for change in ({"enabled": 0}, {"terms": ["leave"]}, {"dedicated_number": "+18335550123"}, {"action": "HELP"}):
        changed = await acme.call("PUT", one, json={**given, **change})
        assert (changed.status_code, changed.json()["error"]["code"]) == (422, "stop_without_rule"), change
    assert (await answer_of(pool, acme, "STOP"))[0] == "opt_out"
    await created(acme, rule_name="Ours", match="exact", terms=["stop"])
    assert (await acme.call("DELETE", one)).status_code == 200
    assert (await answer_of(pool, acme, "STOP"))[0] == "opt_out"


async def test_moving_a_contact_to_the_opt_out_list_is_an_opt_out(acme: Caller, pool: Pool) -> None:
    rule = await created(acme, action="MOVE_CONTACT", action_address="opt-out")
    assert rule["action"] == "OPT_OUT"
    assert (await answer_of(pool, acme, "leave"))[0] == "opt_out"


@pytest.mark.parametrize(
    ("field", "fields", "said"),
    [
        ("message_search_term", {"message_search_term": ""}, "at least one term"),
        ("message_search_term", {"message_search_term": "!!"}, "neither letters nor digits"),
        ("message_search_type", {"message_search_type": None}, "0 to 3"),
        ("message_search_type", {"message_search_type": 9}, "less than or equal to 3"),
        ("terms", {"match": "regex", "terms": ["a(?=b)"]}, "looking ahead"),
        ("action", {"action": "EXPLODE"}, "unknown"),
        ("action", {"action": "EMAIL_USER"}, "not supported"),
        ("action_address", {"action": "URL", "action_address": "http://example.com/x"}, "https"),
        ("action_address", {"action": "URL", "action_address": "https://10.0.0.1/x"}, "private"),
        ("action_address", {"action": "URL", "action_address": "https://localhost/x"}, "private"),
        ("action_address", {"action": "URL", "action_address": "https://2130706433/x"}, "private"),
        ("action_address", {"action": "URL", "action_address": "https://[::1]/x"}, "private"),
        ("action_address", {"action": "AUTO_REPLY", "message_search_term": "hours"}, "text of the reply"),
        ("action_address", {"action": "MOVE_CONTACT", "action_address": "999999"}, "one of your lists"),
        ("dedicated_number", {"dedicated_number": "+1"}, "a number or sender ID"),
        ("colour", {"colour": "red"}, "not permitted"),
    ],
)  # fmt: skip
async def test_what_cannot_work_is_refused_with_the_field_and_what_to_do(
    field: str, fields: dict[str, Any], said: str, acme: Caller
) -> None:
    assert said in await refused(acme, 422, field, **fields)


async def test_two_rules_of_one_name_are_refused(acme: Caller) -> None:
    await created(acme)
    assert "already" in await refused(acme, 409, "rule_name")


@pytest.mark.parametrize("term", ["STOP", "stop please", "arret", "退订", "stopall"])
async def test_a_reply_to_an_opt_out_cannot_be_saved(term: str, acme: Caller) -> None:
    """G6: whether a rule of the account opts the word out, or a pack that it may switch on."""
    text = await refused(
        acme, 422, "message_search_term", action="AUTO_REPLY", action_address="Bye!", message_search_term=term
    )
    assert "never answered" in text


async def test_a_reply_to_anything_is_allowed_for_it_never_gets_an_opt_out(acme: Caller, pool: Pool) -> None:
    await created(acme, action="AUTO_REPLY", action_address="We are back on Monday", message_search_type=0)
    async with pool.acquire() as connection:
        rules = (await StoredRules().load(connection, [acme.account_id]))[acme.account_id].rules
    assert [each.rule.action for each in rules.match("Are you open?").follow_ups] == ["AUTO_REPLY"]
    for opting_out in ("STOP", "not her, stop"):
        assert rules.match(opting_out).follow_ups == ()


async def test_a_pack_is_added_once_as_rules_of_the_account(acme: Caller, pool: Pool) -> None:
    assert (await answer_of(pool, acme, "Arrêt"))[0] == "none"
    added = await acme.call("POST", f"{PATH}-packs/canada")
    assert [rule["rule_name"] for rule in added.json()["rules"]] == ["ARRET (Canada)"]
    assert (await answer_of(pool, acme, "Arrêt"))[0] == "opt_out"
    assert (await acme.call("POST", f"{PATH}-packs/canada")).json()["rules"] == []
    assert (await acme.call("POST", f"{PATH}-packs/klingon")).status_code == 404
    packs = {pack["pack"]: pack["added"] for pack in (await acme.get(f"{PATH}-packs"))["packs"]}
    assert (packs["canada"], packs["stop"], packs["es"]) == (True, True, False)


async def test_nobody_sees_or_changes_the_rules_of_another_account(acme: Caller, other: Caller) -> None:
    rule = await created(acme)
    one = f"{PATH}/{rule['inbound_rule_id']}"
    assert (await other.call("GET", one)).status_code == 404
    assert (await other.call("PUT", one, json=RULE)).status_code == 404
    assert (await other.call("DELETE", one)).status_code == 404
    assert (await acme.http.get(PATH)).json()["error"]["code"] == "unauthorized"


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("message_search_term", {"message_search_term": "a\0"}),
        ("terms.0", {"terms": ["a\0"]}),
        ("rule_name", {"rule_name": "a\0"}),
        ("action_address", {"action": "AUTO_REPLY", "action_address": "Hi\0"}),
    ],
)
async def test_a_text_that_cannot_be_kept_is_refused(acme: Caller, field: str, fields: dict[str, Any]) -> None:
    assert "U+0000" in await refused(acme, 422, field, **fields)


@pytest.mark.parametrize(
    "address",
    ["https://example.com/a b", "https://example.com/\n", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::1]/"],
)
async def test_an_address_that_hides_where_it_leads_is_refused(acme: Caller, address: str) -> None:
    await refused(acme, 422, "action_address", action="URL", action_address=address)


@pytest.mark.parametrize(
    ("limit", "fields"),
    [
        ("instructions", {"terms": ["[a-z0-9]{300}x"] * 20}),
        ("patterns", {"terms": [f"{n}x" for n in range(101)]}),
        ("compile", {"terms": [r"[\pL\PL]" * 60] * 20}),
    ],
)
async def test_patterns_have_a_budget_for_all_rules_together(limit: str, fields: dict[str, Any], acme: Caller) -> None:
    text = await refused(acme, 422, "terms", match="regex", **fields)
    assert limit in text
    drafted = await acme.call("POST", "/v1/rules/simulate", json={**RULE, "match": "regex", **fields})
    assert drafted.status_code == 422


async def test_terms_have_a_budget_for_all_rules_together(acme: Caller) -> None:
    """In new rules, changed ones and packs; the refusal says the limit, the sum and what to do."""
    full, rest = LIMITS.terms // 500, LIMITS.terms - sum(len(rule.terms) for rule in DEFAULT_RULES) - 5
    for n in range(full):
        terms = [f"word {n} {m}" for m in range(min(500, rest - 500 * n))]
        rule = await created(acme, rule_name=f"words {n}", match="contains", terms=terms)
    text = await refused(acme, 422, "terms", match="contains", terms=[f"more {n}" for n in range(6)])
    assert f"would have {LIMITS.terms + 1:,} terms, and {LIMITS.terms:,} are possible; delete" in text
    assert (await acme.call("POST", f"{PATH}-packs/es")).json()["error"]["code"] == "rules_too_large"
    one = f"{PATH}/{rule['inbound_rule_id']}"
    larger = {**RULE, "rule_name": f"words {full - 1}", "match": "contains", "terms": [*terms, *map(str, range(6))]}
    assert (await acme.call("PUT", one, json=larger)).status_code == 422
    assert (await acme.call("PUT", one, json={**larger, "terms": terms[:-1]})).status_code == 200


async def test_rules_of_before_there_were_limits_may_become_smaller(acme: Caller, pool: Pool) -> None:
    insert = "INSERT INTO rules (account_id, definition) VALUES ($1, $2::jsonb) RETURNING rule_id"
    for n in range(LIMITS.terms // 500 + 1):
        old = Rule(name=f"old {n}", match_type="contains", terms=tuple(f"w{n} {m}" for m in range(500)), action="NONE")
        rule_id = await pool.fetchval(insert, acme.account_id, old.model_dump_json())
    await refused(acme, 422, "terms")
    smaller = {**RULE, "rule_name": old.name, "match": "contains"}
    for terms in (400, 1):
        changed = {**smaller, "terms": [f"w{n}" for n in range(terms)]}
        assert (await acme.call("PUT", f"{PATH}/{rule_id}", json=changed)).status_code == 200
    assert (await acme.call("DELETE", f"{PATH}/{rule_id - 1}")).status_code == 200
    await created(acme)


async def test_an_automatic_reply_is_checked_in_bounded_time(acme: Caller) -> None:
    """Terms against patterns that are slow on each of them: it took 5.6 s, and nobody was answered meanwhile."""
    await created(acme, match="regex", terms=[f"a[ab]{{90}}[c{n}]" for n in range(90)])
    began = time.monotonic()
    terms = ["".join(random.Random(n).choices("ab", k=440)) for n in range(200)]  # noqa: S311 (words, no secrets)
    reply = {"match": "exact", "terms": terms, "action": "AUTO_REPLY", "action_address": "x"}
    text = await refused(acme, 422, "message_search_term", rule_name="r", **reply)
    assert "too slow" in text
    assert time.monotonic() - began < 8  # some 1.2 s of one processor
