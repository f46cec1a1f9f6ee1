"""The command line as Typer has it: the commands of the module that is asked for, or of all."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import typer
from typer.main import get_command

from harness.cli.main import COMMANDS, EXIT_INTERRUPTED, EXIT_READER_LEFT, EXIT_USAGE

PROGRAM = "stopline"
_COMPLETED_WORDS = "_TYPER_COMPLETE_ARGS"
"""Where the shell's completion puts the words that are typed so far."""
_NotUsableError: type[Exception] = typer.BadParameter.__mro__[2]  # Typer exports its subclass alone
_IN_COLOUR = "\x1b[31mstopline:\x1b[0m"


def application(words: Sequence[str] = ()) -> typer.Typer:
    """Return the application with the command that `words` begin with; with all where they begin with none."""
    app = typer.Typer(
        name=PROGRAM,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich" if sys.stdout.isatty() else None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def stopline() -> None:
        """Opt-out system for SMS."""

    named = [module for module, names in COMMANDS.items() if words and words[0] in names]
    for module in named or COMMANDS:
        import_module(f"harness.cli.{module}").add_commands(app)
    return app


def run(words: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    completed = os.environ.get(_COMPLETED_WORDS, "").split()[1:]
    command = get_command(application(words or completed))
    try:
        code = command.main(args=list(words), prog_name=PROGRAM, standalone_mode=False)
    except typer.Abort:
        return EXIT_INTERRUPTED
    except _NotUsableError as error:
        return _explain(error)
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):  # Typer ends with 1 then
            return EXIT_READER_LEFT
        raise
    return code if isinstance(code, int) else 0


def _explain(error: Exception) -> int:
    """Write what is wrong with the words; return the exit code."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else PROGRAM
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    if type(error).__name__ == "NoArgsIsHelpError":
        print(text, file=sys.stderr)
        return EXIT_USAGE
    in_colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    print(f"{_IN_COLOUR if in_colour else 'stopline:'} {text} `{path} --help` shows what it takes", file=sys.stderr)
    return EXIT_USAGE
