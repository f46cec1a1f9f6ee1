"""`stopline evidence verify | export | script | anchor`: proves that nobody has rewritten the record of decisions."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.output import AsJson, show
from shared.errors import MisconfiguredError

if TYPE_CHECKING:
    from shared.settings import KafkaSettings

_SHOWN = 20
_SCRIPT = Path(__file__).parents[1] / "evidence" / "verify_evidence.py"
_FROM_KAFKA, _NONE = "kafka", "none"


def add_commands(app: typer.Typer) -> None:
    group = typer.Typer(help="Prove that nobody has rewritten the record of decisions.", no_args_is_help=True)
    group.command("verify")(_verify)
    group.command("export")(_export)
    group.command("script")(_print_script)
    group.command("anchor")(_anchor)
    app.add_typer(group, name="evidence")

    # Its name of before.
    record = typer.Typer(help="As `evidence verify --anchors none`: the database alone.", no_args_is_help=True)
    record.callback()(_record)
    record.command("verify")(_verify_record)
    app.add_typer(record, name="record")


def _record() -> None:
    """As `evidence verify --anchors none`: the database alone."""


Anchors = Annotated[
    str,
    typer.Option(
        metavar="kafka|none|FILE",
        help="What the chains are compared with: the topic, nothing, or a file of `evidence anchor`.",
    ),
]


def _verify_record(*, anchors: Anchors = _NONE, as_json: AsJson = False) -> int:
    """Verify the hash chains of all entries; exit code 1 if one is not as it was written."""
    return _verify(anchors=anchors, as_json=as_json)


def _verify(*, anchors: Anchors = _FROM_KAFKA, as_json: AsJson = False) -> int:
    """Verify the hash chains of all entries (STOPLINE_OPTOUT_DATABASE_URL).

    Exit code 1 if one is not as it was written.
    """
    from harness.cli.databases import in_database
    from harness.cli.running_stack import kafka_settings
    from harness.evidence.live import check_chain, partitions_with_entries

    kafka = kafka_settings() if anchors == _FROM_KAFKA else None
    in_file = None if anchors in {_FROM_KAFKA, _NONE} else _read_file(Path(anchors))

    async def check(connection: Any) -> tuple[int, list[list[str]]]:
        partitions = await partitions_with_entries(connection)
        partitions = sorted({*partitions, *(range(kafka.partitions) if kafka else in_file or ())})
        checks = [await check_chain(connection, each, _anchors_of(each, kafka, in_file)) for each in partitions]
        return sum(each.entries for each in checks), [each.differences for each in checks]

    entries, differences = in_database("optout", check)
    lines = [line for of_partition in differences for line in of_partition[:_SHOWN]]
    broken = sum(bool(each) for each in differences)
    end = f"the chain is broken in {broken}" if broken else "chain unbroken"
    text = "\n".join([*lines, f"{entries} entries of {len(differences)} partitions verified, {end}"])
    fields = {"entries": entries, "partitions": len(differences), "broken": broken, "differences": lines}
    show(text, fields, as_json=as_json)
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
    partition: int, kafka: "KafkaSettings | None", in_file: dict[int, list[dict[str, Any]]] | None
) -> AsyncIterator[dict[str, Any]] | None:
    if kafka is not None:
        from harness.evidence.anchors import read_anchors

        return read_anchors(kafka, partition)
    return None if in_file is None else _each(in_file.get(partition, []))


async def _each(anchors: list[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    for anchor in anchors:
        yield anchor


def _anchor(
    *,
    to: Annotated[str, typer.Option(help="file:PATH, https://…, rfc3161:https://…; - for all, here.")],
    folder: Annotated[str | None, typer.Option(help="Where the time stamps of rfc3161 are kept.")] = None,
    every: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Go on, and deliver what is new this often.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Keep the anchors outside: what this destination does not have yet. With --json, say how many there were."""
    from harness.cli.running_stack import kafka_settings
    from harness.evidence.deliver import deliver, group_of
    from harness.evidence.destinations import destination

    chosen = destination(to, folder)
    group_id = None if to == "-" else group_of(to)
    delivered = asyncio.run(deliver(kafka_settings(), chosen, group_id, every))
    if as_json and to != "-":  # there the anchors themselves are lines of JSON
        show("", {"delivered": delivered}, as_json=True)
    return 0


def _print_script(*, as_json: AsJson = False) -> int:
    """Print a program that verifies an export without Stopline."""
    program = _SCRIPT.read_text(encoding="utf-8")
    show(program.removesuffix("\n"), {"program": program}, as_json=as_json)
    return 0


def _export(
    *,
    partition: Annotated[
        int | None, typer.Option(metavar="N", help="All entries of one partition, not of all of them.")
    ] = None,
    account: Annotated[
        str | None, typer.Option(metavar="ID", help="Only the entries of an account; verify with --selection.")
    ] = None,
    phone: Annotated[
        str | None, typer.Option(metavar="+E164", help="Only those about one person of the account.")
    ] = None,
    as_json: AsJson = False,  # noqa: ARG001 (so that every command takes it)
) -> int:
    """Write entries of the record as lines of JSON, with --json or without, for `evidence script`."""
    from harness.cli.databases import in_database
    from harness.evidence.live import partitions_with_entries
    from services.optout.decision_log.export import export_partition, export_selection

    if phone and not account:
        raise MisconfiguredError("--phone: say of which account, with --account")

    async def write(connection: Any) -> None:
        async with connection.transaction(readonly=True, isolation="repeatable_read"):
            if account:
                await _write(export_selection(connection, account, [phone] if phone else None))
                return
            chosen = [partition] if partition is not None else None
            for each in chosen or await partitions_with_entries(connection):
                await _write(export_partition(connection, each))

    in_database("optout", write)
    return 0


async def _write(lines: AsyncIterator[dict[str, Any]]) -> None:
    async for line in lines:
        sys.stdout.write(json.dumps(line) + "\n")
