"""An account's reach policies: saved as versions, bad ones refused with nothing saved, and what they would change."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from optout_api_world import Caller, Record

from shared.events.base import format_time
from shared.postgres import Pool

US = "us-revoke-all.1"
SOON = format_time(datetime.now(UTC) + timedelta(days=300))
AFTER_THE_DATE = "2027-02-01T00:00:00Z"
NEW = {"country": "US", "reach": "account", "reason": "Legal wants it now", "by": "anna"}


async def saved(caller: Caller, **fields: Any) -> dict[str, Any]:
    answer = await caller.call("POST", "/v1/policies", json=NEW | fields)
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def reach_of(caller: Caller, country: str, at: str) -> tuple[str, str | None]:
    effective = (await caller.get("/v1/policies", at=at))["effective"]
    (found,) = [each for each in effective if each["country"] == country]
    return found["reach"], found["version"]


async def test_the_shipped_policy_is_shown_with_its_source_and_applies_from_its_date(acme: Caller) -> None:
    shown = await acme.get("/v1/policies", at="2026-12-01T00:00:00Z")
    assert {(each["country"], each["reach"], each["version"]) for each in shown["effective"]} >= {("US", "list", None)}
    (shipped,) = shown["shipped"]
    assert (shipped["version"], shipped["valid_from"]) == (US, "2027-01-30T14:00:00.000000Z")
    assert shipped["source"].startswith("https://")
    assert await reach_of(acme, "US", AFTER_THE_DATE) == ("account", US)
    assert await reach_of(acme, "*", AFTER_THE_DATE) == ("list", None)


async def test_versions_are_added_and_none_is_changed(acme: Caller, other: Caller, pool: Pool) -> None:
    first = await saved(acme)
    assert (first["version"], first["effective"]) == (
        "account:1", {"country": "US", "reach": "account", "version": "account:1"},
    )  # fmt: skip
    second = await saved(acme, reach="list", postpones=US, postponed_until=SOON, reason="DA 27-1 postpones it")
    assert await reach_of(acme, "US", AFTER_THE_DATE) == ("list", "account:2")
    assert await reach_of(other, "US", AFTER_THE_DATE) == ("account", US)
    versions = (await acme.get("/v1/policies/versions"))["versions"]
    assert [each["version"] for each in versions] == ["account:2", "account:1"]
    assert versions[0] == {name: value for name, value in second.items() if name != "effective"}
    page = await acme.get("/v1/policies/versions", limit=1)
    assert (await acme.get("/v1/policies/versions", after=page["next"]))["versions"] == versions[1:]
    assert (await other.get("/v1/policies/versions"))["versions"] == []
    for change in ("UPDATE reach_policies SET reach = 'list'", "DELETE FROM reach_policies"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(change)


async def test_a_policy_that_narrows_a_shipped_one_without_postponing_it_says_so(acme: Caller) -> None:
    shown = await saved(acme, reach="list", valid_from=AFTER_THE_DATE)
    assert shown["effective"] == {"country": "US", "reach": "account", "version": US}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"country": "ZZ"}, "country"),
        ({"country": "+1"}, "country"),
        ({"reach": "world"}, "reach"),
        ({"reason": " "}, "reason"),
        ({"by": "\0"}, "by"),
        ({"valid_from": "2026-11-24T12:00:00"}, "valid_from"),
        ({"valid_from": "9999-11-24T12:00:00Z"}, "valid_from"),
        ({"postpones": US}, "body"),
        ({"postpones": "us-none", "postponed_until": SOON}, "postpones"),
        ({"postpones": US, "postponed_until": SOON, "country": "CA"}, "postpones"),
        ({"postpones": US, "postponed_until": "2026-01-01T00:00:00Z"}, "postponed_until"),
        ({"postpones": US, "postponed_until": "2040-01-01T00:00:00Z"}, "postponed_until"),
        ({"version": 9}, "version"),
    ],
)
async def test_a_bad_policy_is_refused_and_nothing_is_saved(acme: Caller, fields: dict[str, Any], field: str) -> None:
    answer = await acme.call("POST", "/v1/policies", json=NEW | fields)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert (await acme.get("/v1/policies/versions"))["versions"] == []


async def test_the_simulation_counts_and_names_who_would_stop_getting_what(acme: Caller, record: Record) -> None:
    left, kept = "+14155550100", "+14155550101"
    canadian, by_hand = "+16045550100", "+14155550102"
    news = await acme.new_list("News", left, kept, canadian, by_hand)
    offers = await acme.new_list("Offers", left, kept, canadian, by_hand)
    for phone in (left, canadian):
        await record.message(acme.account_id, phone, "STOP", answered_list=news)
    draft = {"policy": {"country": "US", "reach": "account"}}
    counts = (await acme.call("POST", "/v1/policies/simulate", json=draft)).json()
    assert {name: counts[name] for name in ("examined", "recipients", "memberships", "next")} == {
        "examined": 2, "recipients": 1, "memberships": 1, "next": None,
    }  # fmt: skip
    assert counts["lists"] == [{"list_id": offers, "name": "Offers", "recipients": 1}]
    rows = (await acme.call("POST", "/v1/policies/simulate/recipients", json=draft)).json()
    assert rows == {
        "recipients": [
            {
                "phone": left,
                "country": "US",
                "left": [f"list:{news}"],
                "reach": "account",
                "version": "account:1",
                "stops": [{"list_id": offers, "name": "Offers"}],
            }
        ],
        "next": None,
    }
    assert (await acme.get("/v1/policies/versions"))["versions"] == [], "it saves nothing"
    at_the_date = (await acme.call("POST", "/v1/policies/simulate", json={"at": AFTER_THE_DATE})).json()
    assert (at_the_date["recipients"], at_the_date["at"]) == (1, "2027-02-01T00:00:00.000000Z")
    everywhere = {"policy": {"country": "*", "reach": "account"}}
    assert (await acme.call("POST", "/v1/policies/simulate", json=everywhere)).json()["recipients"] == 2
    assert (await acme.call("POST", "/v1/policies/simulate", json={"at": "2026-12-01T00:00:00Z"})).json()[
        "recipients"
    ] == 0


async def test_a_simulation_by_sender_counts_the_lists_that_the_number_sends(
    acme: Caller, record: Record, pool: Pool
) -> None:
    phone = "+447700900123"
    news, offers, surveys = [await acme.new_list(name, phone) for name in ("News", "Offers", "Surveys")]
    entry = await record.message(acme.account_id, phone, "STOP", answered_list=news)
    insert = "INSERT INTO lists_of_senders VALUES ($1, $2, $3), ($1, '+18335550777', $4)"
    await pool.execute(insert, acme.account_id, entry.sender_number, offers, surveys)
    draft = {"policy": {"country": "GB", "reach": "sender"}}
    rows = (await acme.call("POST", "/v1/policies/simulate/recipients", json=draft)).json()["recipients"]
    assert [each["stops"] for each in rows] == [[{"list_id": offers, "name": "Offers"}]]
