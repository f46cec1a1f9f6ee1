"""Which changes of settings a look finds, without a database."""

from typing import Any, cast

from services.optout.decision_log.gate_settings import AccountSettingsChanges, ListOfAccount, load_gate_settings
from shared.postgres import Connection

Row = tuple[str, str | None, int | None, bool]


class Answers:
    """A connection that answers each look with the next rows, and keeps from where each looked."""

    def __init__(self, *answers: list[Row]) -> None:
        self._answers = list(answers)
        self.since: list[str] = []

    async def fetch(self, _statement: str, since: str) -> list[Row]:
        self.since.append(since)
        return self._answers.pop(0)

    async def fetchval(self, *_: Any) -> str:
        return "100"


UNTIL: Row = ("105", None, None, False)
ACCOUNT: Row = ("103", "demo", None, True)
LIST: Row = ("106", "demo", 7, True)


async def test_the_rows_of_a_look_may_come_in_any_order() -> None:
    answers = Answers([LIST, ACCOUNT, UNTIL], [UNTIL, LIST])
    changes, connection = AccountSettingsChanges(), cast("Connection", answers)
    await changes.start(connection)
    found = await changes.look(connection)
    assert (list(found.account_ids), list(found.lists)) == (["demo"], [ListOfAccount("demo", 7)])
    assert not (await changes.look(connection)).lists  # it was returned before
    assert answers.since == ["100", "105"]


class Rules:
    """A connection with accounts without a rule, which keeps for how many at once rules were asked for."""

    def __init__(self) -> None:
        self.at_once: list[int] = []

    async def fetch(self, _statement: str, account_ids: list[str], *max_bytes: int) -> list[dict[str, Any]]:
        if max_bytes:
            self.at_once.append(len(account_ids))
            return []
        settings = {"gate_policy": "reject", "gate_instruction": None, "exempts_conversational": False}
        settings["opt_out_confirmations"] = "[]"
        return [{"account_id": each, "has_rules": True, **settings} for each in account_ids]


async def test_the_rules_of_many_accounts_are_read_a_few_at_a_time() -> None:
    rules, wanted = Rules(), [f"a{n:03}" for n in range(120)]
    found = await load_gate_settings(cast("Connection", rules), wanted)
    assert sorted(found) == wanted
    assert rules.at_once == [50, 50, 20]
