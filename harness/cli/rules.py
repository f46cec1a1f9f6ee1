"""`stopline rules test`: applies the rules to a text, or to each line of a file; needs no running service."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.optout.rules import DEFAULT_RULES, Rule, RuleMatch, RuleSet, VersionedRule
from shared.errors import MisconfiguredError
from shared.instructions.find import find_instruction

_MEANS = {
    "opt_out": "opts out: the number leaves the list",
    "held": "is held: nothing is sent until a person has looked",
    "opt_in": "opts in again",
    "help": "asks for help",
    "none": "changes nothing",
}
_RULES = TypeAdapter(list[Rule])


def add_commands(commands: Any) -> None:
    group = commands.add_parser("rules", help="say what the rules make of a text")
    actions = group.add_subparsers(dest="action", required=True)
    test = actions.add_parser("test", help="decide one text, or those of a file, by the default rules")
    what = test.add_mutually_exclusive_group(required=True)
    what.add_argument("text", nargs="?", metavar="TEXT")
    what.add_argument(
        "--file", metavar="FILE.jsonl", help='lines of {"text": …, "instruction": …}; - is standard input'
    )
    test.add_argument("--instruction", metavar="TEXT", help="the message that is answered, or its way out")
    test.add_argument(
        "--rules", metavar="FILE.json", type=Path, help="a JSON array of rules, instead of the default ones"
    )
    test.add_argument("--json", action="store_true", help="one line of JSON for each text")
    test.set_defaults(run=_test)


def _test(arguments: argparse.Namespace) -> int:
    rules = RuleSet([VersionedRule(n, 1, rule) for n, rule in enumerate(_rules(arguments.rules), 1)])
    if arguments.file is None:
        match = rules.match(arguments.text, answered_text=arguments.instruction)
        print(_as_json(match) if arguments.json else _explained(match, arguments.instruction))
        return 0
    write = sys.stdout.write
    for text, instruction in _lines(arguments.file, arguments.instruction):
        match = rules.match(text, answered_text=instruction)
        write((_as_json(match) if arguments.json else f"{match.kind}\t{match.matched_by}\t{match.rule or '-'}") + "\n")
    return 0


def _rules(path: Path | None) -> Iterable[Rule]:
    if path is None:
        return DEFAULT_RULES
    try:
        return _RULES.validate_json(path.read_bytes())
    except OSError as error:
        raise MisconfiguredError(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise MisconfiguredError(f"{path}: rule {place}: {first['msg']}; write a JSON array of rules") from None


def _lines(name: str, instruction: str | None) -> Iterator[tuple[str, str | None]]:
    """Yield text and instruction of each line.

    Raises:
        MisconfiguredError: a line is not JSON, or has no text; names it. The lines before it are decided.
    """
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _line(name, number, line, instruction)
    except OSError as error:
        raise MisconfiguredError(f"{name}: {error.strerror}") from None


def _line(name: str, number: int, line: bytes, instruction: str | None) -> tuple[str, str | None]:
    expected = 'write {"text": "…"} or {"text": "…", "instruction": "…"}'
    try:
        given = json.loads(line.decode("utf-8", errors="replace"))
    except ValueError as error:
        raise MisconfiguredError(f"{name}, line {number} is not JSON ({error}); {expected}") from None
    if not isinstance(given, dict) or not isinstance(given.get("text"), str):
        raise MisconfiguredError(f"{name}, line {number} has no text; {expected}")
    own = given.get("instruction")
    if own is not None and not isinstance(own, str):
        raise MisconfiguredError(f"{name}, line {number}: its instruction is not a text; {expected}")
    return given["text"], own if own is not None else instruction


def _as_json(match: RuleMatch) -> str:
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


def _explained(match: RuleMatch, instruction: str | None) -> str:
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


def _matched(match: RuleMatch) -> str:
    if not match.term:
        return ""
    where = "" if match.start is None else f", characters {match.start} to {match.end} of the normalised text"
    return f"{match.term!r}{where}"


def _way_out(instruction: str) -> str:
    offered = find_instruction(instruction)
    return ", ".join(offered.words) if offered and offered.words else "none that is recognised"
