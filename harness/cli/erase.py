"""`stopline erase`: erases a recipient by the customer API, and waits for the end."""

import time
from typing import Annotated

import typer

from harness.cli.output import AsJson, show

_EVERY_SECONDS = 0.5


def add_commands(app: typer.Typer) -> None:
    app.command("erase")(_erase)


def _erase(
    phone: Annotated[str, typer.Argument(metavar="+E164")],
    *,
    reason: Annotated[str, typer.Option(help="Kept with the erasure; names nobody.")],
    by: Annotated[str, typer.Option(help="Who has it done; kept, too.")],
    as_json: AsJson = False,
) -> int:
    """Erase a recipient: texts, fields and phone go, and the phone stays suppressed.

    As the account of STOPLINE_ACCOUNT_ID and STOPLINE_API_KEY at STOPLINE_API_URL, else as the demo account of the
    running stack. Exit code 1 if it failed.
    """
    from harness.cli.account_api import account_api

    account = account_api()
    erasure = account.call("/v1/erasures", {"phone": phone, "reason": reason, "by": by})
    while erasure["state"] in {"waiting", "running"}:
        time.sleep(_EVERY_SECONDS)
        erasure = account.call(f"/v1/erasures/{erasure['erasure_id']}")
    counts = ", ".join(f"{count} {name}" for name, count in erasure["erased"].items())
    text = f"{erasure['erasure_id']} {erasure['state']}: {counts or erasure['error']}"
    show(text, erasure, as_json=as_json)
    return 0 if erasure["state"] == "done" else 1
