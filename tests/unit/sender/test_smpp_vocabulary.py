"""The page about carriers says of each status of SMPP what the code makes of it."""

import re
from pathlib import Path

from services.sender.carriers.smpp_results import PAUSED, REFUSED, THROTTLED, UNKNOWN, result_of_submit
from shared.smpp.pdus import Command, Pdu
from shared.smpp.statuses import CommandStatus

PAGE = (Path(__file__).parents[3] / "docs" / "carriers.md").read_text()
RESPONSE = Command.SUBMIT_SM | 0x80000000


def results_on_the_page() -> dict[str, str]:
    section = PAGE.partition("| `command_status` of the response | call result |")[2].partition("\n\n")[0]
    rows = [row.strip("| ").split(" | ") for row in section.splitlines() if "ESME" in row]
    return {name: rest[-1] for first, *rest in rows for name in re.findall(r"ESME_\w+", first)}


def kind_of(status: CommandStatus, body: bytes = b"\0") -> str:
    result = result_of_submit(Pdu(RESPONSE, status, 1, body))
    pause = f", {result.pause_seconds:g} seconds without a call" if status in PAUSED else ""
    return type(result).__name__.lower() + pause


def test_each_status_that_the_page_names_has_the_result_that_it_says() -> None:
    named = results_on_the_page()
    assert {name: kind_of(CommandStatus[name]) for name in named if name != "ESME_ROK"} == {
        name: said for name, said in named.items() if name != "ESME_ROK"
    }
    assert (kind_of(CommandStatus.ESME_ROK, b"id\0"), kind_of(CommandStatus.ESME_ROK)) == ("accepted", "unknown")


def test_every_status_of_the_standard_has_one_result_and_the_page_names_what_is_not_plainly_refused() -> None:
    assert REFUSED | THROTTLED | UNKNOWN | {CommandStatus.ESME_ROK} == set(CommandStatus)
    assert {each.name for each in THROTTLED | UNKNOWN | PAUSED} <= results_on_the_page().keys()
