"""The commands that a person types, on a stack of their own: up, status, story, parked, down."""

import json
import tempfile
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from shell import SECONDS, Shell, until


@pytest.mark.timeout(SECONDS)
def test_the_story_of_an_opt_out_holds_and_holds_again_after_the_services_restarted(shell: Shell) -> None:
    played = shell.run("story")
    assert played.returncode == 0, played.stdout + played.stderr
    lines = [line for line in played.stdout.splitlines() if line.startswith(("ok ", "FAIL"))]
    assert all(line.startswith("ok ") for line in lines)
    assert sum("none arrives" in line for line in lines) == 2
    for claim in (
        "the phone got no answer to its STOP",
        "clean-up puts the number on that list",
        "by its owner, is found",
    ):
        assert sum(claim in line for line in lines) == 2


def test_up_on_a_running_stack_starts_nothing(shell: Shell) -> None:
    before = shell.status()["pid"]
    assert "already running" in shell.run("up").stdout
    assert shell.status()["pid"] == before


def test_status_gives_a_program_all_that_it_needs(shell: Shell) -> None:
    book = shell.status()
    assert book["running"] is True
    assert {"kafka_bootstrap", "inbound_url", "api_url", "sandbox_url", "demo_account"} <= set(book)
    assert {"account_id", "api_key", "webhook_url"} <= set(book["demo_account"])


def test_policies_of_an_account_are_shown_and_simulated(shell: Shell) -> None:
    account = ("--account", shell.status()["demo_account"]["account_id"])
    shown = shell.run("policy", "show", *account, "--at", "2027-02-01")
    assert "a reply at 2027-02-01 00:00 UTC reaches" in shown.stdout, shown.stderr
    simulated = shell.run("policy", "simulate", *account, "--country", "ca", "--reach", "account")
    assert "would get less" in simulated.stdout, simulated.stderr
    half = shell.run("policy", "simulate", *account, "--reach", "account")
    assert (half.returncode, "--country and --reach go together" in half.stderr) == (78, True)
    unknown = shell.run("policy", "show", "--account", "nobody")
    assert (unknown.returncode, "no account 'nobody'" in unknown.stderr) == (78, True)


def test_a_message_that_kafkas_own_console_producer_writes_and_is_not_json_is_parked_for_the_operator(
    shell: Shell,
) -> None:
    shell.run("kafka", "console-producer", "--topic", "outbound-messages", input="this is no JSON\n")
    parked = _until_parked(shell)
    assert (parked["parked_reason"], parked["original_topic"]) == ("not_json", "outbound-messages")
    assert shell.run("parked", "show", parked["parked_id"]).stdout == "this is no JSON"


def _until_parked(shell: Shell) -> dict[str, Any]:
    for _ in range(20):
        lines = shell.run("parked", "list").stdout.splitlines()
        if lines:
            found: dict[str, Any] = json.loads(lines[0])
            return found
    raise AssertionError("nothing was parked")


def _listed(shell: Shell, *options: str) -> dict[str, dict[str, Any]]:
    records = json.loads(shell.run("parked", "list", "--json", *options).stdout)["records"]
    return {each["parked_id"]: each for each in records}


def test_a_parked_record_that_is_replayed_comes_again_as_it_was_and_is_open_no_more(shell: Shell) -> None:
    text = "this is no JSON either"
    shell.run("kafka", "console-producer", "--topic", "outbound-messages", input=f"{text}\n")
    until(lambda: _with_value(shell, text) != set(), "it is parked")
    (parked_id,) = _with_value(shell, text)
    replayed = shell.run("parked", "replay", parked_id, "--by", "the test")
    assert replayed.returncode == 0, replayed.stderr
    until(lambda: len(_with_value(shell, text)) == 2, "its copy is parked, too")
    copy = _with_value(shell, text) - {parked_id}
    assert _listed(shell, "--open").keys() & {parked_id, *copy} == copy
    again = shell.run("parked", "replay", parked_id)
    assert (again.returncode, "it was replayed by the test" in again.stderr) == (78, True)


def _with_value(shell: Shell, value: str) -> set[str]:
    return {each for each in _listed(shell) if shell.run("parked", "show", each).stdout == value}


def test_a_dropped_record_is_open_no_more_and_asks_before(shell: Shell) -> None:
    (dropped, *_) = _listed(shell, "--open")
    asked = shell.run("parked", "drop", dropped, "--reason", "a test")
    assert (asked.returncode, "add --yes" in asked.stderr) == (78, True)
    assert shell.run("parked", "drop", dropped, "--reason", "a test", "--yes").returncode == 0
    assert dropped not in _listed(shell, "--open")
    assert shell.run("parked", "show", dropped).returncode == 0
    unknown = shell.run("parked", "drop", "nothing", "--reason", "a test", "--yes")
    assert (unknown.returncode, "no parked record has the id nothing" in unknown.stderr) == (78, True)


def test_contacts_and_opt_outs_go_in_and_come_out(shell: Shell, tmp_path: Path) -> None:
    contacts, opt_outs, exported = tmp_path / "contacts.csv", tmp_path / "opt-outs.csv", tmp_path / "list.csv"
    contacts.write_text("phone;first_name\n+14155550171;Ann\n+14155550172;=Bob\nnothing;Cy\n")
    opt_outs.write_text("number,source\n+14155550172,the old system\n")
    list_id = _new_list(shell)
    into = shell.run("import", "contacts", str(contacts), "--list", list_id)
    assert (into.returncode, "row 4: " in into.stdout) == (1, True), into.stdout + into.stderr
    assert shell.run("import", "opt-outs", str(opt_outs)).returncode == 0
    until(lambda: "+14155550172" in shell.run("export", "opt-outs").stdout, "the opt-out counts")
    done = shell.run("export", "contacts", "--list", list_id, "--to", str(exported))
    assert done.returncode == 0, done.stderr
    rows = exported.read_text("utf-8-sig").splitlines()
    assert [row.partition(",")[0] for row in rows[1:]] == ["+14155550171"]
    in_lines = shell.run("export", "contacts", "--list", list_id, "--json").stdout.splitlines()
    assert [json.loads(line)["phone"] for line in in_lines] == ["+14155550171"]
    unknown = shell.run("export", "contacts", "--list", "999999")
    assert (unknown.returncode, "999999" in unknown.stderr) == (78, True)


def _new_list(shell: Shell) -> str:
    book = shell.status()
    account = book["demo_account"]
    made = httpx.post(
        f"{book['api_url']}/v1/lists",
        json={"name": "from the command line"},
        auth=(account["account_id"], account["api_key"]),
        timeout=SECONDS,
    )
    return str(made.json()["list_id"])


def test_down_leaves_no_process_running_and_a_second_up_finds_the_data(shell: Shell) -> None:
    book = shell.status()
    children = psutil.Process(book["pid"]).children(recursive=True)
    assert len(children) >= 7  # Kafka, Postgres, four services, the sandbox carrier
    assert shell.run("down").returncode == 0
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []
    assert shell.run("status").returncode == 1
    assert shell.run("up", "--free-ports").returncode == 0
    assert shell.status()["demo_account"]["api_key"] == book["demo_account"]["api_key"]


def test_without_a_stack_the_story_says_how_to_start_one() -> None:
    with tempfile.TemporaryDirectory() as folder:
        published = Shell(Path(folder)).run("story")
    assert (published.returncode, published.stderr) == (
        78,
        "stopline: no stack is running; start one with `stopline up`\n",
    )
