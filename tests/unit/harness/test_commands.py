"""A command imports its own module and no other, and every command has one."""

import argparse
import subprocess
import sys

from harness.cli.main import COMMANDS, parser


def commands_of(made: argparse.ArgumentParser) -> list[str]:
    (commands,) = [each for each in made._actions if isinstance(each, argparse._SubParsersAction)]
    return list(commands.choices)


def test_each_command_has_its_module() -> None:
    assert commands_of(parser()) == [name for names in COMMANDS.values() for name in names]
    for names in COMMANDS.values():
        for name in names:
            assert commands_of(parser([name])) == list(names)


def test_a_service_starts_without_the_imports_of_other_commands() -> None:
    heavy = "{'pydantic', 'numpy', 'aiokafka', 'asyncpg', 'fastapi'}"
    program = f"import sys; from harness.cli.main import parser; parser(['inbound']); print({heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "set()\n"
