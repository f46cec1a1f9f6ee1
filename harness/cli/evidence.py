"""`stopline evidence verify | export | script | anchor`: proves that nobody has rewritten the record of decisions."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from harness.cli.databases import in_database
from harness.cli.running_stack import kafka_settings
from harness.evidence.anchors import read_anchors
from harness.evidence.live import check_chain, partitions_with_entries
from services.optout.decision_log.export import export_partition, export_selection
from shared.errors import MisconfiguredError
from shared.settings import KafkaSettings

_SHOWN = 20
_SCRIPT = Path(__file__).parents[1] / "evidence" / "verify_evidence.py"
_FROM_KAFKA, _NONE = "kafka", "none"


def add_commands(commands: Any) -> None:
    group = commands.add_parser("evidence", help="prove that nobody has rewritten the record of decisions")
    actions = group.add_subparsers(dest="action", required=True)
    _add_verify(actions, anchors=_FROM_KAFKA)
    export = actions.add_parser("export", help="write entries of the record as lines of JSON, for `evidence script`")
    export.add_argument("--partition", type=int, metavar="N", help="all entries of one partition, not of all of them")
    export.add_argument("--account", metavar="ID", help="only the entries of an account; verify with --selection")
    export.add_argument("--phone", metavar="+E164", help="only those about one person of the account")
    export.set_defaults(run=_export)
    script = actions.add_parser("script", help="print a program that verifies an export without Stopline")
    script.set_defaults(run=_print_script)
    anchor = actions.add_parser("anchor", help="keep the anchors outside: what this destination does not have yet")
    anchor.add_argument("--to", required=True, help="file:PATH, https://…, rfc3161:https://…; - for all, here")
    anchor.add_argument("--folder", help="where the time stamps of rfc3161 are kept")
    anchor.add_argument("--every", type=float, metavar="SECONDS", help="go on, and deliver what is new this often")
    anchor.set_defaults(run=_anchor)

    # Its name of before.
    record = commands.add_parser("record", help="as `evidence verify --anchors none`: the database alone")
    _add_verify(record.add_subparsers(dest="action", required=True), anchors=_NONE)


def _add_verify(actions: Any, *, anchors: str) -> None:
    text = (
        "verify the hash chains of all entries (STOPLINE_OPTOUT_DATABASE_URL); exit 1 if one is not as it was written"
    )
    command = actions.add_parser("verify", help=text, description=text)
    command.add_argument(
        "--anchors",
        default=anchors,
        metavar="kafka|none|FILE",
        help=f"what the chains are compared with: the topic, nothing, or a file of `evidence anchor` ({anchors})",
    )
    command.set_defaults(run=_verify)


def _verify(arguments: argparse.Namespace) -> int:
    kafka = kafka_settings() if arguments.anchors == _FROM_KAFKA else None
    in_file = None if arguments.anchors in {_FROM_KAFKA, _NONE} else _read_file(Path(arguments.anchors))

    async def check(connection: Any) -> tuple[int, list[list[str]]]:
        partitions = await partitions_with_entries(connection)
        partitions = sorted({*partitions, *(range(kafka.partitions) if kafka else in_file or ())})
        checks = [await check_chain(connection, each, _anchors_of(each, kafka, in_file)) for each in partitions]
        return sum(each.entries for each in checks), [each.differences for each in checks]

    entries, differences = in_database("optout", check)
    for line in [line for of_partition in differences for line in of_partition[:_SHOWN]]:
        print(line)
    broken = sum(bool(each) for each in differences)
    end = f"the chain is broken in {broken}" if broken else "chain unbroken"
    print(f"{entries} entries of {len(differences)} partitions verified, {end}")
    return 1 if broken else 0


def _read_file(path: Path) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    try:
        with path.open(encoding="utf-8") as lines:
            for anchor in map(json.loads, lines):
                found.setdefault(anchor["partition"], []).append(anchor)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MisconfiguredError(f"--anchors {path}: not a file of `stopline evidence anchor`: {error}") from None
    return found


def _anchors_of(
    partition: int, kafka: KafkaSettings | None, in_file: dict[int, list[dict[str, Any]]] | None
) -> AsyncIterator[dict[str, Any]] | None:
    if kafka is not None:
        return read_anchors(kafka, partition)
    return None if in_file is None else _each(in_file.get(partition, []))


async def _each(anchors: list[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    for anchor in anchors:
        yield anchor


def _anchor(arguments: argparse.Namespace) -> int:
    from harness.evidence.deliver import deliver, group_of
    from harness.evidence.destinations import destination

    to = destination(arguments.to, arguments.folder)
    group_id = None if arguments.to == "-" else group_of(arguments.to)
    asyncio.run(deliver(kafka_settings(), to, group_id, arguments.every))
    return 0


def _print_script(_: argparse.Namespace) -> int:
    print(_SCRIPT.read_text(encoding="utf-8"), end="")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    if arguments.phone and not arguments.account:
        raise MisconfiguredError("--phone: say of which account, with --account")

    async def write(connection: Any) -> None:
        async with connection.transaction(readonly=True, isolation="repeatable_read"):
            if arguments.account:
                phones = [arguments.phone] if arguments.phone else None
                await _write(export_selection(connection, arguments.account, phones))
                return
            chosen = [arguments.partition] if arguments.partition is not None else None
            for partition in chosen or await partitions_with_entries(connection):
                await _write(export_partition(connection, partition))

    in_database("optout", write)
    return 0


async def _write(lines: AsyncIterator[dict[str, Any]]) -> None:
    async for line in lines:
        sys.stdout.write(json.dumps(line) + "\n")
