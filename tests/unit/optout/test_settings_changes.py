"""Which changes of settings a look finds, without a database."""

from typing import Any, cast

from services.optout.decision_log.gate_settings import ListOfAccount, SettingsChanges
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
    changes, connection = SettingsChanges(), cast("Connection", answers)
    await changes.start(connection)
    found = await changes.look(connection)
    assert (list(found.account_ids), list(found.lists)) == (["demo"], [ListOfAccount("demo", 7)])
    assert not (await changes.look(connection)).lists  # it was returned before
    assert answers.since == ["100", "105"]
