"""`stopline rules test`: applies the rules to a text, or to each line of a file; needs no running service."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.labelled_replies import ConfusionTable, LabelledReply, read_replies
from harness.cli.output import AsJson

if TYPE_CHECKING:
    from services.optout.rules import RuleMatch, RuleSet

RulesFile = Annotated[
    Path | None,
    typer.Option("--rules", metavar="FILE.json", help="A JSON array of rules, instead of the default ones."),
]
Packs = Annotated[
    list[str] | None,
    typer.Option("--pack", metavar="NAME", help="A pack beside the default ones, such as fr; may be repeated."),
]
_MEANS = {
    "opt_out": "opts out: the number leaves the list",
    "held": "is held: nothing is sent until a person has looked",
    "opt_in": "opts in again",
    "help": "asks for help",
    "none": "changes nothing",
}


def add_commands(app: typer.Typer) -> None:
    group = typer.Typer(help="Say what the rules make of a text.", no_args_is_help=True)
    group.callback()(_group)
    group.command("test")(_test)
    app.add_typer(group, name="rules")


def _group() -> None:
    """Say what the rules make of a text."""


def _test(
    text: Annotated[str | None, typer.Argument(metavar="TEXT")] = None,
    *,
    file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.jsonl", help='Lines of {"text": …}, with "kind" and "want" for a table; - is standard input.'
        ),
    ] = None,
    instruction: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The message that is answered, or its way out.")
    ] = None,
    rules_file: RulesFile = None,
    pack: Packs = None,
    as_json: AsJson = False,
) -> int:
    """Decide one text, or those of a file, by the default rules."""
    from harness.cli.rule_files import rules_of

    if (text is None) == (file is None):
        raise typer.BadParameter("name one text, or a file of them with --file")
    rules = rules_of(rules_file, pack or ())
    if text is not None:
        match = rules.match(text, answered_text=instruction)
        print(_as_json(match) if as_json else _explained(match, instruction))
        return 0
    _decide_file(rules, read_replies(str(file), instruction), as_json=as_json)
    return 0


def _decide_file(rules: "RuleSet", replies: Iterator[LabelledReply], *, as_json: bool) -> None:
    """Write what each line means; of lines with kind and want, a table of how many are decided as wanted."""
    table: ConfusionTable | None = None
    for reply in replies:
        match = rules.match(reply.text, answered_text=reply.instruction)
        if reply.kind:
            table = table or ConfusionTable()
            table.add(reply, match.kind)
        else:
            line = _as_json(match) if as_json else f"{match.kind}\t{match.matched_by}\t{match.rule or '-'}"
            sys.stdout.write(f"{line}\n")
    if table is not None:
        sys.stdout.write((json.dumps({"kinds": table.rows()}) if as_json else table.as_text()) + "\n")


def _as_json(match: "RuleMatch") -> str:
    return json.dumps(
        {
            "answer": match.kind,
            "reason": match.matched_by,
            "rule": match.rule,
            "term": match.term,
            "start": match.start,
            "end": match.end,
            "normalised_by": match.normalised_by,
            "follow_ups": [each.rule.name for each in match.follow_ups],
        }
    )


def _explained(match: "RuleMatch", instruction: str | None) -> str:
    details = {
        "reason": match.matched_by,
        "rule": match.rule,
        "matched": _matched(match),
        "normalised": ", ".join(match.normalised_by),
        "way out": _way_out(instruction) if instruction else "",
        "then": ", ".join(each.rule.name for each in match.follow_ups),
    }
    first = f"{match.kind}: {_MEANS[match.kind]}"
    return "\n".join([first, *(f"  {name:<10}  {text}" for name, text in details.items() if text)])


def _matched(match: "RuleMatch") -> str:
    if not match.term:
        return ""
    where = "" if match.start is None else f", characters {match.start} to {match.end} of the normalised text"
    return f"{match.term!r}{where}"


def _way_out(instruction: str) -> str:
    from shared.instructions.find import find_instruction

    offered = find_instruction(instruction)
    return ", ".join(offered.words) if offered and offered.words else "none that is recognised"
