"""A command imports its own module and no other, every command has one, and what fails says what to do."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from typer.main import get_command

from harness.cli.application import application
from harness.cli.main import (
    COMMANDS,
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_MISCONFIGURED,
    EXIT_NOT_WRITTEN,
    EXIT_READER_LEFT,
    EXIT_UNAVAILABLE,
    EXIT_USAGE,
    main,
)
from harness.cli.services import _MODULES as SERVICES

ROOT = Path(__file__).parents[3]
STOPLINE = [sys.executable, "-m", "harness.cli"]


def commands_of(words: tuple[str, ...] = ()) -> dict[str, Any]:
    group: Any = get_command(application(words))
    return dict(group.commands)


def leaves(commands: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return each command by all its words."""
    found: dict[str, Any] = {}
    for name, command in commands.items():
        found |= (
            leaves(command.commands, f"{prefix}{name} ") if hasattr(command, "commands") else {prefix + name: command}
        )
    return found


def run(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*STOPLINE, *words], env={**os.environ, **settings}, capture_output=True, text=True, timeout=60, check=False
    )


def test_each_command_has_its_module() -> None:
    assert sorted(commands_of()) == sorted(name for names in COMMANDS.values() for name in names)
    for names in COMMANDS.values():
        for name in names:
            assert sorted(commands_of((name,))) == sorted(names)
    assert COMMANDS["services"] == tuple(SERVICES)


def test_a_service_starts_without_any_import_beside_the_standard_library() -> None:
    program = """
import os, sys
os.execv = lambda *_: sys.exit(f"becomes a service with {heavy & {*sys.modules}}")
heavy = {"typer", "rich", "pydantic", "numpy", "aiokafka", "asyncpg", "fastapi"}
from harness.cli.main import main
main(["inbound"])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == "becomes a service with set()\n"


def test_all_commands_are_known_without_the_imports_of_any() -> None:
    program = """
import sys
from harness.cli.application import application
application()
heavy = {"rich", "pydantic", "numpy", "aiokafka", "asyncpg", "fastapi", "httpx", "re2", "phonenumbers"}
print(sorted(heavy & {*sys.modules}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


def test_every_command_explains_itself_and_its_options() -> None:
    for name, command in leaves(commands_of()).items():
        assert command.help, name
        for parameter in command.params:
            is_named = parameter.param_type_name == "option"
            assert not is_named or parameter.help or parameter.metavar, f"{name} {parameter.name}"


def test_every_command_but_services_and_tools_of_kafka_writes_json() -> None:
    without = {
        name for name, command in leaves(commands_of()).items() if "as_json" not in [p.name for p in command.params]
    }
    assert without == {*SERVICES, "kafka"}


def test_the_page_about_the_command_line_has_every_command_and_no_other() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    described = re.findall(r"^\| `([a-z][a-z -]*[a-z])`", page, re.MULTILINE)
    assert sorted(described) == sorted(leaves(commands_of())), "docs/cli.md has a row for each command"


def test_the_page_names_every_option_of_each_command() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    rows = dict(re.findall(r"^\| `([a-z][a-z -]*[a-z])` \|(.*)$", page, re.MULTILINE))
    for name, command in leaves(commands_of()).items():
        options = {option for each in command.params for option in each.opts if option.startswith("--")}
        missing = {each for each in options - {"--help"} if each not in rows[name]}
        assert missing == set(), name


def test_the_page_has_every_exit_code() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    named = {EXIT_BUG, EXIT_MISCONFIGURED, EXIT_INTERRUPTED, EXIT_UNAVAILABLE, EXIT_NOT_WRITTEN, EXIT_READER_LEFT}
    assert codes == {0, 1, 2} | named


def typed_in_documents() -> Iterator[tuple[str, list[str]]]:
    """Yield what pages, the deployment and alerts say to type: file, and the words after `stopline`."""
    for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.y*ml")):
        for typed in re.findall(r"(?:^ {4}|`|bin/)stopline ([a-z][^`\n|>#…]*)", path.read_text(), re.MULTILINE):
            yield path.name, typed.split()


def test_whatever_a_document_says_to_type_is_a_command_with_these_options() -> None:
    known = leaves(commands_of())
    groups = {name.split()[0] for name in known if " " in name}
    typed = list(typed_in_documents())
    assert len(typed) > 50
    for page, words in typed:
        name = " ".join(words[:2]) if words[0] in groups else words[0]
        if name in groups:
            continue  # the group as a whole
        assert name in known, f"{page}: stopline {' '.join(words)}"
        if name == "kafka":
            continue  # what follows is the tool's
        options = {option for each in known[name].params for option in each.opts}
        given = {word.partition("=")[0] for word in words if re.fullmatch(r"--[a-z-]+(=.*)?", word)}
        assert given <= options | {"--help"}, f"{page}: stopline {' '.join(words)}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nonsense",), "No such command 'nonsense'"),
        (("parked", "list", "--nonsense"), "No such option: --nonsense"),
        (("policy", "show"), "Missing option '--account'"),
        (("policy", "simulate", "--account", "x", "--country", "Nowhere"), "two letters of ISO 3166"),
        (("policy", "show", "--account", "x", "--at", "tomorrow"), "--at"),
        (("rules", "test"), "name one text, or a file of them with --file"),
        (("rules", "test", "x", "--file", "-"), "name one text, or a file of them with --file"),
        (("topics", "acls", "--check", "--apply"), "exclude each other"),
        (("topics", "adopt", "suppressions"), "suppressions"),
    ],
)
def test_wrong_words_are_one_line_that_says_where_help_is(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == EXIT_USAGE
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.startswith("stopline: ")
    assert said in written.err
    assert "--help` shows what it takes" in written.err


def test_a_bug_is_a_line_without_a_traceback_and_has_its_own_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with patch("harness.cli.rule_files.rules_of", side_effect=ZeroDivisionError("a bug")):
        assert main(["rules", "test", "STOP"]) == EXIT_BUG
    assert "unexpected ZeroDivisionError: a bug" in capsys.readouterr().err
    with (
        patch("harness.cli.rule_files.rules_of", side_effect=ZeroDivisionError("a bug")),
        patch.dict(os.environ, {"STOPLINE_TRACEBACK": "1"}),
        pytest.raises(ZeroDivisionError),
    ):
        main(["rules", "test", "STOP"])


def test_ctrl_c_ends_a_command_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    with patch("harness.cli.rule_files.rules_of", side_effect=KeyboardInterrupt):
        assert main(["rules", "test", "STOP"]) == EXIT_INTERRUPTED
    assert capsys.readouterr() == ("", "")


def test_a_reader_that_leaves_is_not_an_error(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    path.write_text('{"text": "STOP"}\n' * 20_000)
    command = f"{sys.executable} -m harness.cli rules test --file {path} --json | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    ("redirected", "code"),
    [
        ("rules test STOP >&-", 0),
        ("--help >&-", 0),
        ("rules test --file - <&-", 0),
        ("nonsense >&- 2>&-", EXIT_USAGE),
        ("rules test STOP >/dev/full", EXIT_NOT_WRITTEN),
    ],
)
def test_closed_and_full_standard_files_are_not_a_bug(redirected: str, code: int) -> None:
    command = f"{sys.executable} -m harness.cli {redirected}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr == ("stopline: the output: No space left on device\n" if code == EXIT_NOT_WRITTEN else "")


def test_a_character_that_the_output_cannot_have_is_an_escape(tmp_path: Path) -> None:
    with patch.dict(os.environ, {"STOPLINE_HOME": str(tmp_path / "süd")}):
        done = run("reset", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "s\\xfcd" in done.stdout


def test_nothing_is_coloured_in_a_pipe() -> None:
    for words in (("--help",), ("rules", "test", "STOP"), ("nonsense",)):
        done = run(*words)
        assert "\x1b" not in done.stdout + done.stderr


def test_a_shell_completes_commands_and_options() -> None:
    def completed(line: str) -> str:
        return run(_STOPLINE_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS=line).stdout

    assert "status" in completed("stopline sta")
    assert "replay" in completed("stopline parked re")
    assert "--reason" in completed("stopline parked list --r")
    shown = run(_STOPLINE_COMPLETE="source_bash")
    assert "_STOPLINE_COMPLETE=complete_bash" in shown.stdout


def test_json_is_one_document(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with patch.dict(os.environ, {"STOPLINE_HOME": str(tmp_path)}):
        assert main(["status", "--json"]) == 1
        assert json.loads(capsys.readouterr().out)["running"] is False
        assert main(["down", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"stopped": False}
    assert main(["topics", "acls", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["acls"]
