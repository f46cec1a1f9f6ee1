"""The page about carriers has one vocabulary of outcomes, and it is the code's."""

import json
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.sender.calls import state_of
from services.sender.carriers.carrier import Accepted, Blocked, Called, NotCalled, Refused, Throttled, Unknown
from services.sender.ledger.model import row_of
from services.sender.report import outcome_event
from shared.events.outbound import MessageRequested

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "carriers.md").read_text()
DATA = ROOT / "tests" / "data" / "carriers"
COLUMNS = ("accepted", "refused", "refused, with a pause", "throttled", "blocked", "unknown")
NOW = datetime(2026, 11, 29, tzinfo=UTC)
ASKED = MessageRequested(
    account_id="acme", message_id="m-1", list_id=7, phone="+14155550100", sender_number="ACME", body="Hi. STOP ends"
)
RESULTS: list[Called | NotCalled] = [
    Accepted("c-1"), Refused("no"), Throttled("slow", 1), Blocked("9", "no"), Unknown("?"), NotCalled("no")
]  # fmt: skip


def rows_after(heading: str) -> list[list[str]]:
    lines = PAGE.partition(heading)[2].partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")][1:]


def said_by_the_code(result: Called | NotCalled) -> tuple[str, str]:
    """Return the state of the ledger's row and the type of the event."""
    state, detail = state_of(None if isinstance(result, NotCalled) else result)
    if state == "pending":
        return "pending", "none"
    return state, json.loads(outcome_event(row_of(ASKED, state, detail, NOW, NOW)).value or b"")["type"]


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: type(result).__name__)
def test_each_result_of_a_call_has_the_outcome_that_the_page_says(result: Called | NotCalled) -> None:
    rows = {row[0].replace(" ", ""): row for row in rows_after("| call result | when | in the ledger | event |")}
    _, _, state, event, _ = rows[type(result).__name__.lower()]
    assert (state.strip("`"), event.split()[0].strip("`")) == said_by_the_code(result)
    assert len(rows) == len(RESULTS)


def column_of(result: dict[str, Any]) -> str:
    found = next(name for name in ("accepted", "refused", "throttled", "blocked", "unknown") if name in result)
    return "refused, with a pause" if found == "refused" and result["pause_seconds"] else found


def label_of(case: dict[str, Any]) -> str:
    """Return the code by which the carrier says it: its own, or the HTTP status."""
    status, result = str(case["status"]), case["result"]
    if "unknown" in result:
        return str(case["code"]) if "code" in case else status if status >= "300" else f"{status} without an id"
    words = str(result.get("blocked") or result.get("refused") or result.get("throttled") or status)
    return status if "accepted" in result else words.partition(":")[0].partition(" (")[0][:40]


def table_of_codes() -> str:
    lines = [f"| carrier | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for path in sorted(DATA.glob("*.json")):
        cells: dict[str, list[str]] = defaultdict(list)
        for case in json.loads(path.read_text()):
            cells[column_of(case["result"])].append(f"`{label_of(case)}`")
        shown = [", ".join(dict.fromkeys(cells[name])) or "-" for name in COLUMNS]
        lines.append(f"| `{path.stem}` | {' | '.join(shown)} |")
    return "\n".join(lines)


def test_the_page_has_the_codes_of_every_documented_response() -> None:
    """The same responses go through each adapter in `test_documented_responses`."""
    assert table_of_codes() in PAGE, f"put this into docs/carriers.md:\n{table_of_codes()}"
