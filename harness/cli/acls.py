"""`stopline topics acls`: prints, applies or compares the table of who may do what in Kafka."""

import asyncio
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.output import AsJson, show
from shared.errors import MisconfiguredError

if TYPE_CHECKING:
    from harness.kafka.authorizer import Allowed
    from shared.access import Acl, Role

_WILDCARD = "*"


def add_command(group: typer.Typer) -> None:
    group.command("acls")(_acls)


def _acls(
    *,
    commands: Annotated[bool, typer.Option("--commands", help="Write commands of Kafka's own kafka-acls.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Add what is missing; takes nothing away.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Say what differs; exit code 1 if anything does.")] = False,
    principal: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE=User:NAME", help="Who has the role, where it is not User:ROLE; may be repeated."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Show who may read and write what, apply it, or say what differs."""
    if commands + apply + check > 1:
        raise typer.BadParameter("--commands, --apply and --check exclude each other: choose one")
    from harness.cli.running_stack import kafka_settings
    from harness.kafka.authorizer import add_acls, read_acls
    from shared.access import acls

    table = _table()
    wanted = acls(table, _principals(principal or (), table))
    if apply:
        asyncio.run(add_acls(kafka_settings().kafka, wanted))
        show(f"{len(wanted)} entries are there", {"entries": len(wanted)}, as_json=as_json)
        return 0
    if check:
        found = list(compare(wanted, asyncio.run(read_acls(kafka_settings().kafka))))
        show("\n".join(found) or "the ACLs are as they must be", {"differences": found}, as_json=as_json)
        return 1 if found else 0
    text = "\n".join(_commands(wanted)) if commands else as_table(table)
    show(text, {"acls": [acl._asdict() for acl in wanted]}, as_json=as_json)
    return 0


def _table() -> "list[Role]":
    """Return the table, with the consumer groups that the environment names."""
    from shared.access import roles

    chosen = {
        name: os.environ[setting]
        for name, setting in (
            ("optout_group", "STOPLINE_GROUP_ID"),
            ("api_group", "STOPLINE_API_GROUP_ID"),
            ("sender_group", "STOPLINE_SENDER_GROUP_ID"),
            ("poll_group", "STOPLINE_POLL_GROUP_ID"),
        )
        if setting in os.environ
    }
    return roles(**chosen)


def _principals(given: Sequence[str], table: "Sequence[Role]") -> dict[str, list[str]]:
    principals: dict[str, list[str]] = defaultdict(list)
    known = [role.name for role in table]
    for each in given:
        role, _, principal = each.partition("=")
        if role not in known or ":" not in principal:
            raise MisconfiguredError(
                f"--principal {each}: write ROLE=User:NAME, where ROLE is one of {', '.join(known)}"
            )
        principals[role].append(principal)
    return principals


def as_table(table: "Iterable[Role]") -> str:
    """Return the table in Markdown, as in docs/security.md."""
    lines = ["| role | is | reads | writes | groups | transactional ids |", "|---|---|---|---|---|---|"]
    for role in table:
        cells = (role.reads, role.writes, [f"{g}*" for g in role.groups], [f"{i}*" for i in role.transactional_ids])
        shown = (", ".join(f"`{name}`" for name in names) or "-" for names in cells)
        lines.append(f"| `{role.name}` | {role.who} | {' | '.join(shown)} |")
    return "\n".join(lines)


def _commands(wanted: "Iterable[Acl]") -> Iterator[str]:
    """Return a command for each principal and resource."""
    operations: dict[tuple[str, str, str, bool], list[str]] = defaultdict(list)
    for acl in wanted:
        operations[acl.principal, acl.resource, acl.name, acl.prefixed].append(acl.operation)
    for (principal, resource, name, prefixed), several in operations.items():
        yield (
            "kafka-acls --bootstrap-server $KAFKA --command-config $ADMIN --add"
            f" --allow-principal '{principal}' --{resource} {name}"
            f"{' --resource-pattern-type prefixed' if prefixed else ''}"
            f"{''.join(f' --operation {operation}' for operation in several)}"
        )


def compare(wanted: "Sequence[Acl]", there: "Sequence[Allowed]") -> Iterator[str]:
    """Yield a line for each entry that is missing, and for each that allows more than the table does."""
    held = {each[:-1] for each in there if each.host == _WILDCARD}
    expected = {(acl.principal, acl.resource, acl.name, acl.operation, acl.prefixed) for acl in wanted}
    for principal, resource, name, operation, prefixed in sorted(expected - held):
        yield f"missing: {principal} {operation} {resource} {name}{'*' if prefixed else ''}"
    ours = {(acl.resource, acl.name) for acl in wanted}
    for each in sorted(there):
        if each[:-1] not in expected and any(_covers(each, *of_ours) for of_ours in ours):
            where = f"{each.resource} {each.name}{_WILDCARD if each.prefixed else ''}"
            yield f"not in the table: {each.principal} {each.operation} {where}"


def _covers(entry: "Allowed", resource: str, name: str) -> bool:
    """Return whether an entry of the broker applies to a resource of the table."""
    if entry.resource != resource:
        return False
    if entry.prefixed:
        return name.startswith(entry.name) or entry.name.startswith(name)
    return entry.name in {_WILDCARD, name}
