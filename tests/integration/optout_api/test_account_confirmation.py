"""The confirmation of opt-outs by the API: off by default, checked, and a setting that the sender is given."""

from typing import Any

import pytest
from optout_api_world import Caller

PATH = "/v1/account/opt-out-confirmation"


def text_of(more: str = "") -> str:
    return f"Acme: you are opted out and get no more messages.{more}"


async def put(caller: Caller, *confirmations: dict[str, Any], status: int = 200) -> dict[str, Any]:
    answer = await caller.call("PUT", PATH, json={"confirmations": confirmations})
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body if status == 200 else body["error"]


async def test_an_account_confirms_nothing_until_it_says_so_and_nothing_again_when_it_takes_that_back(
    acme: Caller,
) -> None:
    assert await acme.get(PATH) == {"confirmations": []}
    given = {"country": "us", "sender_number": "+1 (833) 555-0123", "text": text_of()}
    shown = await put(acme, given, {"country": "CA", "text": text_of()})
    assert shown == await acme.get(PATH)
    assert shown["confirmations"][0] == {
        "country": "US", "sender_number": "+18335550123", "text": text_of(), "segments": 1, "asks_scope": False,
        "list_word": None, "carrier_is_silent": False,
    }  # fmt: skip
    assert await put(acme) == {"confirmations": []}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"text": "You are opted out."}, "does not name the account"),
        ({"more": " Come back for 20% off"}, "a price or a percentage"),
        ({"more": " {{opt_out_link}}"}, "a placeholder"),
        ({"more": "x" * 300}, "at most 320"),
        ({"country": "XX"}, "two letters"),
        ({"country": None}, "country"),
        ({"sender_number": "no number at all"}, "sender_number"),
        ({"asks_scope": True}, "list_word"),
        ({"list_word": "LIST"}, "asks_scope"),
        ({"more": " Reply STOP for this list", "asks_scope": True, "list_word": "stop"}, "opts out"),
        ({"promo": True}, "promo"),
    ],
    ids=str,
)
async def test_what_is_not_only_a_confirmation_is_refused_and_nothing_changes(
    acme: Caller, given: dict[str, Any], says: str
) -> None:
    before = await put(acme, {"country": "GB", "text": text_of()})
    more = given.pop("more", "")
    error = await put(acme, {"country": "US", "text": text_of(more), **given}, status=422)
    given["more"] = more
    assert says in error["message"], error
    assert await acme.get(PATH) == before


async def test_one_country_and_number_has_one_text_and_an_account_at_most_a_hundred(acme: Caller) -> None:
    each = {"country": "US", "text": text_of()}
    assert (await put(acme, each, each, status=422))["code"] == "duplicate"
    many = [{**each, "sender_number": f"{12345 + number}"} for number in range(101)]
    assert "100" in (await put(acme, *many, status=422))["message"]


async def test_a_text_with_nul_or_of_another_account_is_refused(acme: Caller) -> None:
    assert "U+0000" in (await put(acme, {"country": "US", "text": text_of("\0")}, status=422))["message"]
    assert (await acme.http.get(PATH)).status_code == 401
