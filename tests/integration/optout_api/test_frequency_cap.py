"""How often an account messages one recipient, by the API; and that the sender hears of it."""

from typing import Any

import pytest
from optout_api_world import Caller

from services.optout.decision_log.frequency_caps import load_frequency_caps
from services.optout.decision_log.gate_settings import AccountSettingsChanges
from shared.events.suppression import FrequencyCap
from shared.postgres import Pool, connection_from

PATH = "/v1/account/frequency-cap"
EXEMPTS_NONE = {"exempts_conversational": False, "exempts_transactional": False}
NONE = {"messages": None, "hours": 24, "per_list": False, "policy": "wait", **EXEMPTS_NONE}


async def put(caller: Caller, status: int = 200, **given: Any) -> dict[str, Any]:
    answer = await caller.call("PUT", PATH, json=given)
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body if status == 200 else body["error"]


async def test_a_cap_is_set_shown_and_removed_and_each_change_is_one_that_the_sender_hears_of(
    acme: Caller, pool: Pool
) -> None:
    assert await acme.get(PATH) == NONE
    async with connection_from(pool) as connection:
        changes = AccountSettingsChanges()
        await changes.start(connection)
        given = {"messages": 3, "hours": 48, "per_list": True, "policy": "reject", **dict.fromkeys(EXEMPTS_NONE, True)}
        assert await put(acme, **given) == given == await acme.get(PATH)
        assert acme.account_id in (await changes.look(connection)).account_ids
        caps = await load_frequency_caps(connection, [acme.account_id])
        assert caps == {acme.account_id: FrequencyCap.model_validate(given)}
        assert await put(acme, messages=None) == NONE
        assert acme.account_id in (await changes.look(connection)).account_ids
        assert await load_frequency_caps(connection, [acme.account_id]) == {}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"messages": 0}, "messages"),
        ({"messages": 101}, "messages"),
        ({"messages": 3, "hours": 0}, "hours"),
        ({"messages": 3, "hours": 721}, "hours"),
        ({"messages": 3, "policy": "drop"}, "policy"),
    ],
)
async def test_a_cap_that_is_none_is_refused_and_nothing_changes(
    acme: Caller, given: dict[str, Any], says: str
) -> None:
    before = await acme.get(PATH)
    error = await put(acme, 422, **given)
    assert (error["code"], says in error["message"]) == ("invalid", True), error
    assert await acme.get(PATH) == before


async def test_the_cap_of_one_account_is_not_that_of_another(acme: Caller, other: Caller) -> None:
    await put(acme, messages=1)
    assert (await other.get(PATH))["messages"] is None
