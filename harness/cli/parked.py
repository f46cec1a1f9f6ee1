"""`stopline parked list | show | replay | drop`: the records that could not be processed, each of them once."""

import asyncio
import getpass
import hashlib
import sys
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.output import AsJson, show, show_line
from shared.errors import MisconfiguredError

if TYPE_CHECKING:
    from shared.consumer import Polled

_LIMIT = 100
_MAX_LIMIT = 100_000
_MARK_BYTES = 8
_PAGE = "200"

ParkedId = Annotated[str, typer.Argument(metavar="ID", help="As `parked list` shows it.")]
ParkedIds = Annotated[list[str], typer.Argument(metavar="ID...", help="As `parked list` shows them.")]
SettledBy = Annotated[str | None, typer.Option(help="Who decides it; noted. Without it, the user of this machine.")]


def add_commands(app: typer.Typer) -> None:
    group = typer.Typer(help="Look at the records that could not be processed, and settle them.", no_args_is_help=True)
    for name, command in (("list", _list), ("show", _show), ("replay", _replay), ("drop", _drop)):
        group.command(name)(command)
    app.add_typer(group, name="parked")


def _list(
    *,
    limit: Annotated[int, typer.Option(metavar="N", help="The last N that match.")] = _LIMIT,
    reason: Annotated[
        str | None, typer.Option(help="Only those that were parked for this reason, such as not_json.")
    ] = None,
    topic: Annotated[str | None, typer.Option(help="Only those that came from this topic.")] = None,
    service: Annotated[
        str | None, typer.Option(help="Only those that this service parked, such as stopline/sender.")
    ] = None,
    is_open: Annotated[
        bool, typer.Option("--open", help="Only those that nobody replayed or dropped, by the customer API.")
    ] = False,
    count: Annotated[
        bool, typer.Option("--count", help="How many match, by topic and reason, instead of each.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Write a line of JSON for each parked record, oldest first; the last 100 that match.

    With --json the lines are one document.
    """
    wanted = {"parked_reason": reason, "original_topic": topic, "parked_by": service}
    open_ids = _open_ids() if is_open else None
    last, counts = asyncio.run(_found(wanted, open_ids, min(max(limit, 0), _MAX_LIMIT)))
    lines: list[dict[str, Any]] = [
        {"original_topic": of_topic, "parked_reason": why, "records": number}
        for (of_topic, why), number in counts.most_common()
    ]
    shown = lines if count else last
    if as_json:
        show("", {"counts" if count else "records": shown, "matching": counts.total()}, as_json=True)
        return 0
    for fields in shown:
        show_line(fields)
    if not count and counts.total() > len(last):
        print(f"stopline: {counts.total()} match, these are the last {len(last)} (--limit)", file=sys.stderr)
    return 0


def _open_ids() -> set[str]:
    from harness.cli.account_api import operator_api

    pages = operator_api().pages("/v1/parked", "parked", {"limit": _PAGE})
    return {each["parked_id"] for page in pages for each in page}


async def _found(
    wanted: Mapping[str, str | None], open_ids: set[str] | None, limit: int
) -> tuple[list[dict[str, Any]], Counter[tuple[str, str]]]:
    """Return the last records that match, and how many do.

    It keeps as many as the limit in memory, and a few bytes for each of the others.
    """
    seen: set[bytes] = set()
    last: deque[dict[str, Any]] = deque(maxlen=limit)
    counts: Counter[tuple[str, str]] = Counter()
    async for record in _records():
        fields = describe(record)
        mark = hashlib.blake2b(fields["parked_id"].encode(), digest_size=_MARK_BYTES).digest()
        is_wanted = all(value is None or fields.get(name) == value for name, value in wanted.items())
        if mark not in seen and is_wanted and (open_ids is None or fields["parked_id"] in open_ids):
            seen.add(mark)
            last.append(fields)
            counts[fields.get("original_topic", ""), fields.get("parked_reason", "")] += 1
    return list(last), counts


def _show(parked_id: ParkedId, *, as_json: AsJson = False) -> int:
    """Write the original bytes of one record to standard output; with --json its headers, and the bytes as text."""
    record = asyncio.run(_find(parked_id))
    if record is None:
        print(f"stopline: no parked record has the id {parked_id}; `stopline parked list` shows them", file=sys.stderr)
        return 1
    value = record.value or b""
    if as_json:
        show("", {**describe(record), "value": value.decode(errors="backslashreplace")}, as_json=True)
    else:
        _write(value)
    return 0


def _replay(parked_ids: ParkedIds, *, by: SettledBy = None, as_json: AsJson = False) -> int:
    """Publish the originals to their topics again, by the customer API, after their cause was fixed.

    They are decided like any other record, by what holds now: nothing goes out that an opt-out forbids, and a message
    that was sent once is not sent again. Exit code 78 if one cannot be replayed; those before it were.
    """
    done = [_settle(each, "replay", {"by": by or getpass.getuser()}) for each in dict.fromkeys(parked_ids)]
    show("\n".join(f"{each['parked_id']} is published again" for each in done), {"replayed": done}, as_json=as_json)
    return 0


def _drop(
    parked_ids: ParkedIds,
    *,
    reason: Annotated[str, typer.Option(help="Why it is not needed; noted.")],
    by: SettledBy = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> int:
    """Note, by the customer API, that records need no replay; they stay in Kafka for as long as it keeps them."""
    if not yes and not _agreed(len(parked_ids)):
        return 1
    body = {"by": by or getpass.getuser(), "reason": reason}
    done = [_settle(each, "drop", body) for each in dict.fromkeys(parked_ids)]
    show("\n".join(f"{each['parked_id']} is dropped" for each in done), {"dropped": done}, as_json=as_json)
    return 0


def _settle(parked_id: str, how: str, body: Mapping[str, str]) -> dict[str, Any]:
    from harness.cli.account_api import operator_api

    record = asyncio.run(_find(parked_id))
    if record is None:
        raise MisconfiguredError(f"no parked record has the id {parked_id}; `stopline parked list` shows them")
    return operator_api().call(f"/v1/parked/{record.offset}/{how}", body)


def _agreed(count: int) -> bool:
    if not sys.stdin.isatty():
        raise MisconfiguredError("drop asks first, and nobody is there to answer: add --yes")
    return input(f"drop {count} parked records? [y/N] ").strip().lower() in ("y", "yes")


def _write(value: bytes) -> None:
    """Write the bytes as they are; to a terminal, control characters are written as escapes."""
    if sys.stdout.isatty():
        text = value.decode(errors="backslashreplace")
        print("".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text))
    else:
        sys.stdout.buffer.write(value)


def describe(record: "Polled") -> dict[str, Any]:
    """Return the reason, the service and the source of a parked record, its place in the topic, and its size."""
    from shared.parked_records import ORIGINAL_HEADER_PREFIX

    own = {name: value for name, value in record.headers if not name.startswith(ORIGINAL_HEADER_PREFIX)}
    text = {name: (value or b"").decode(errors="replace") for name, value in own.items()}
    place = {"position": record.offset, "value_bytes": len(record.value or b"")}
    return {"parked_id": f"offset-{record.offset}", **text, **place}


async def _find(parked_id: str) -> "Polled | None":
    async for record in _records():
        if describe(record)["parked_id"] == parked_id:
            return record
    return None


def _records() -> "AsyncIterator[Polled]":
    from harness.cli.running_stack import kafka_settings
    from harness.parked import parked_records

    return parked_records(kafka_settings().kafka)
