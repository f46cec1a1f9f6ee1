"""Campaigns in ClickSend's shape, and what is refused; what becomes of them is in `tests/integration/optout`."""

import time
from typing import Any

import httpx
import pytest
from clicksend_shapes import answer_problems, call_of
from optout_api_world import Caller

PATH = "/v3/sms-campaigns"
NUMBER = "+18335550123"


async def body(acme: Caller, **fields: Any) -> dict[str, Any]:
    list_id = await acme.new_list("Everybody", "+14155550100", "+14155550101")
    later = int(time.time()) + 3_600
    return {"list_id": list_id, "name": "Sale", "from": NUMBER, "body": "Hi (First Name)", "schedule": later, **fields}


def accepted(answer: httpx.Response) -> Any:
    """Return the answer's data, which typed clients accept."""
    assert answer.status_code == 200, answer.text
    call = call_of(answer.request.method, answer.request.url.path)
    assert call is not None
    assert answer_problems(call, answer.json()) == []
    return answer.json()["data"]


async def test_every_answer_is_what_typed_clients_accept(acme: Caller) -> None:
    given = await body(acme, custom_string="ours", senders=[{"recipient_country_code": "US", "sender_id": NUMBER}])
    made = accepted(await acme.call("POST", f"{PATH}/send", json=given))
    assert (made["status"], made["_total_count"], made["_list_name"]) == ("Scheduled", 2, "Everybody")
    assert (made["custom_string"], made["schedule"], made["from"]) == ("ours", given["schedule"], NUMBER)
    price = accepted(await acme.call("POST", f"{PATH}/price", json={**given, "list_id": str(given["list_id"])}))
    assert (price["total_count"], float(price["total_price"])) == (2, 0)
    one = f"{PATH}/{made['sms_campaign_id']}"
    changed = accepted(await acme.call("PUT", one, json={"name": "Other", "list_id": str(given["list_id"])}))
    assert (changed["name"], changed["body"], changed["schedule"]) == ("Other", given["body"], given["schedule"])
    assert accepted(await acme.call("GET", PATH))["data"] == [accepted(await acme.call("GET", one))]
    assert accepted(await acme.call("PUT", f"{one}/cancel", json={}))["status"] == "Cancelled"
    assert (await acme.call("PUT", one, json={"name": "Late"})).status_code == 400


@pytest.mark.parametrize(
    ("field", "value"),
    [("from", ""), ("from", "not a sender number!"), ("body", "  "), ("schedule", 99_999_999_999), ("name", "")],
)
async def test_a_field_that_does_not_fit_is_named(acme: Caller, field: str, value: Any) -> None:
    answer = await acme.call("POST", f"{PATH}/send", json=await body(acme, **{field: value}))
    assert (answer.status_code, list(answer.json()["data"])) == (400, [field])
    assert (await acme.get(PATH))["data"]["total"] == 0


async def test_nothing_is_sent_to_another_accounts_list_or_to_the_opt_out_list(acme: Caller, other: Caller) -> None:
    given = await body(acme)
    (opt_outs, *_) = (await acme.get("/v1/lists"))["lists"]
    for caller, list_id in ((other, given["list_id"]), (acme, opt_outs["list_id"]), (acme, 2**53)):
        answer = await caller.call("POST", f"{PATH}/send", json={**given, "list_id": list_id})
        assert (answer.status_code, list(answer.json()["data"])) == (400, ["list_id"])


async def test_another_accounts_campaign_looks_like_none(acme: Caller, other: Caller) -> None:
    made = accepted(await acme.call("POST", f"{PATH}/send", json=await body(acme)))
    one = f"{PATH}/{made['sms_campaign_id']}"
    for method, path in (("GET", one), ("PUT", one), ("PUT", f"{one}/cancel")):
        assert (await other.call(method, path, json=None if method == "GET" else {})).status_code == 404


async def test_campaigns_are_found_and_ordered_by_their_fields(acme: Caller) -> None:
    given = await body(acme)
    ids = []
    for name in ("B", "A", "C"):
        made = await acme.call("POST", f"{PATH}/send", json={**given, "name": name})
        ids.append(made.json()["data"]["sms_campaign_id"])
    await acme.call("PUT", f"{PATH}/{ids[2]}/cancel")
    for asked, expected in (
        ({}, ["C", "A", "B"]),
        ({"q": "status:Scheduled", "order_by": "name:asc"}, ["A", "B"]),
        ({"q": "name:A,status:Cancelled", "operator": "OR"}, ["C", "A"]),
        ({"q": "name:A", "date_from": given["schedule"]}, []),
        ({"q": "name:A", "date_to": given["schedule"]}, ["A"]),
    ):
        page = (await acme.get(PATH, **asked))["data"]
        assert ([each["name"] for each in page["data"]], page["total"]) == (expected, len(expected))
    for wrong in ("q=nonsense:1", "order_by=name;drop", "date_from=x"):
        assert (await acme.call("GET", f"{PATH}?{wrong}")).status_code == 400
