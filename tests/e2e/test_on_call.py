"""What somebody on call types: status says what is down, what ended comes back, the rest comes back by `up`."""

import json

import psutil
import pytest
from shell import Shell, until


def healthy(shell: Shell) -> bool:
    return shell.run("status").returncode == 0


@pytest.fixture(autouse=True)
def _whole(shell: Shell) -> None:
    """Each test begins on a stack of which every part is up."""
    assert shell.run("up").returncode == 0


def test_status_shows_each_parts_health(shell: Shell) -> None:
    book = shell.status()
    assert book["healthy"] is True
    assert {"kafka", "postgres", "inbound", "optout", "sender", "sandbox", "background"} <= set(book["health"])
    assert all(health["ok"] for health in book["health"].values())


def test_a_service_that_was_killed_is_named_by_status_and_comes_back_by_itself(shell: Shell) -> None:
    killed = shell.process("services.sender")
    killed.kill()
    status = shell.run("status")
    assert status.returncode == 1
    assert "DOWN  sender" in status.stdout
    until(lambda: healthy(shell), "the sender is back")
    assert shell.process("services.sender").pid != killed.pid
    assert "sender ended by signal 9; starting it again" in (shell.home / "stack.log").read_text()


def test_a_postgres_that_was_killed_comes_back_by_itself(shell: Shell) -> None:
    killed = shell.process("postgres", "-D")
    killed.kill()
    until(lambda: "postgres ended" in (shell.home / "stack.log").read_text(), "its end is seen")
    until(lambda: healthy(shell), "Postgres is back")
    assert shell.process("postgres", "-D").pid != killed.pid


def test_a_part_that_was_stopped_on_purpose_stays_stopped_until_up(shell: Shell) -> None:
    assert shell.run("stop", "sender").stdout == "sender is stopped\n"
    book = shell.status()
    assert "stopped on purpose" in book["health"]["sender"]["detail"]
    assert [name for name, health in book["health"].items() if not health["ok"]] == ["sender"]
    up = shell.run("up")
    assert up.returncode == 0
    assert "started sender again" in up.stdout


def test_one_command_restarts_a_part(shell: Shell) -> None:
    before = shell.process("services.inbound").pid
    assert shell.run("restart", "inbound").stdout == "inbound was restarted and is ready\n"
    assert shell.process("services.inbound").pid != before
    assert "there is no 'printer'; there are kafka, postgres, " in shell.run("restart", "printer").stderr


def test_topics_and_parked_records_are_those_of_the_running_stack(shell: Shell) -> None:
    assert shell.run("topics", "check").returncode == 0
    assert shell.run("parked", "list").returncode == 0


def test_a_story_on_a_stack_with_a_dead_part_fails_a_claim_that_names_it(shell: Shell) -> None:
    shell.run("stop", "optout")
    story = shell.run("story")
    assert (story.returncode, story.stderr) == (1, "")
    assert story.stdout.startswith("FAIL  every part of the stack is up")
    assert "DOWN  optout: stopped on purpose" in story.stdout
    assert "stopline reset" in story.stdout


def test_a_frozen_part_is_down_though_its_process_lives(shell: Shell) -> None:
    frozen = shell.process("services.sender")
    frozen.suspend()
    try:
        assert "no answer" in shell.status()["health"]["sender"]["detail"]
    finally:
        frozen.resume()


def test_the_logs_of_a_part_are_printed_by_its_name(shell: Shell) -> None:
    assert json.loads(shell.run("logs", "sender", "-n", "1").stdout)["service"] == "sender"
    assert "there is no log of 'nobody'" in shell.run("logs", "nobody").stderr


def test_a_stack_whose_background_process_was_killed_leaves_nothing_and_comes_up_at_its_ports(shell: Shell) -> None:
    book = shell.status()
    daemon = psutil.Process(book["pid"])
    children = daemon.children(recursive=True)
    daemon.kill()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    status = shell.run("status")
    assert (status.returncode, status.stdout.startswith("not running: the stack ended without")) == (1, True)
    assert shell.run("up").returncode == 0
    now = shell.status()
    assert (now["services"], now["metrics"]) == (book["services"], book["metrics"])


def test_reset_asks_first_and_begins_afresh(shell: Shell) -> None:
    before = shell.status()["demo_account"]
    refused = shell.run("reset", input="")
    assert refused.returncode != 0
    assert "add --yes" in refused.stderr
    assert healthy(shell)
    assert shell.run("reset", "--yes").returncode == 0
    assert list(shell.home.iterdir()) == []
    assert shell.run("up", "--free-ports").returncode == 0
    assert shell.status()["demo_account"] != before
