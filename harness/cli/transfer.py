"""`stopline import | export contacts | opt-outs`: files into and out of an account, by the customer API."""

from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli.output import AsJson, show

List = Annotated[int, typer.Option("--list", min=1, metavar="ID", help="The list, by its id.")]
File = Annotated[Path, typer.Argument(metavar="FILE.csv", exists=True, dir_okay=False, readable=True)]
To = Annotated[Path | None, typer.Option(metavar="FILE", help="Instead of standard output.")]
_AS_WHOM = (
    "As the account of STOPLINE_ACCOUNT_ID and STOPLINE_API_KEY at STOPLINE_API_URL, else as the demo account of the"
    " running stack."
)
_SHOWN_BAD_ROWS = 20


def add_commands(app: typer.Typer) -> None:
    into = typer.Typer(help=f"Import contacts or opt-outs from a CSV file. {_AS_WHOM}", no_args_is_help=True)
    into.command("contacts")(_import_contacts)
    into.command("opt-outs")(_import_opt_outs)
    app.add_typer(into, name="import")
    out = typer.Typer(help=f"Export contacts or opt-outs as CSV. {_AS_WHOM}", no_args_is_help=True)
    out.command("contacts")(_export_contacts)
    out.command("opt-outs")(_export_opt_outs)
    app.add_typer(out, name="export")


def _import_contacts(
    file: File,
    *,
    list_id: List,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="phone,first_name,skip,…", help="What the columns are, where the first row does not name them."
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Import contacts into a list; exit code 1 if the import failed or a row is bad.

    Nobody who opted out is messaged because of it: an import never lifts an opt-out.
    """
    from harness.cli.account_api import account_api
    from harness.cli.import_file import first_row, import_contacts

    field_order = columns or ",".join(first_row(file))
    return _ended(import_contacts(account_api(), file, list_id, field_order), as_json=as_json)


def _import_opt_outs(file: File, *, as_json: AsJson = False) -> int:
    """Import opt-outs of another system: columns number, and where there are such list, date and source.

    Exit code 1 if the import failed or a row is bad.
    """
    from harness.cli.account_api import account_api
    from harness.cli.import_file import import_opt_outs

    return _ended(import_opt_outs(account_api(), file), as_json=as_json)


def _ended(job: dict[str, Any], *, as_json: bool) -> int:
    """Show the result of a job; return the exit code."""
    result = job.get("result") or {}
    bad = result.get("bad") or []
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in result.items() if isinstance(count, int))
    lines = [f"{job['state']}: {counts or job['error'] or 'nothing to do'}"]
    lines += [f"row {each['row']}: {each['reason']}" for each in bad[:_SHOWN_BAD_ROWS]]
    if len(bad) > _SHOWN_BAD_ROWS:
        lines.append(f"and {len(bad) - _SHOWN_BAD_ROWS} more bad rows; --json has them")
    if job["error"] and counts:
        lines.append(job["error"])
    show("\n".join(lines), job, as_json=as_json)
    return 0 if job["state"] == "done" and not bad else 1


def _export_contacts(*, list_id: List, to: To = None, as_json: AsJson = False) -> int:
    """Export a list as CSV, or with --json as lines of JSON: its contacts who have not opted out."""
    from harness.cli.account_api import account_api
    from harness.cli.export_file import export_contacts

    export_contacts(account_api(), list_id, to, as_json=as_json)
    return 0


def _export_opt_outs(*, to: To = None, as_json: AsJson = False) -> int:
    """Export who has opted out of what, as CSV that `import opt-outs` takes; --json has lines, held ones too.

    An opt-out of one sender number has no list: imported elsewhere, it counts for the whole account.
    """
    from harness.cli.account_api import account_api
    from harness.cli.export_file import export_opt_outs

    export_opt_outs(account_api(), to, as_json=as_json)
    return 0
