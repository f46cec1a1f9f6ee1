"""`stopline inbound`, `optout`, `api`, `dashboard` and so on: runs one service in the foreground."""

import os
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import typer

_MODULES = {
    "inbound": ("services.inbound", "run the inbound service: webhooks and receipts to Kafka"),
    "optout": ("services.optout", "run the opt-out pipeline: decides what replies mean"),
    "api": ("services.optout.api", "run the customer API, with simulations and calls to customers' addresses"),
    "links": ("services.optout.links", "run the pages of opt-out links"),
    "poll": ("services.inbound.poll", "run the process that asks gateways' APIs, such as for replies after downtime"),
    "smpp": ("services.inbound.smpp", "run the process that receives recipients' messages and receipts from SMSCs"),
    "sender": ("services.sender", "run the sender: outbound messages to the carrier, or dropped"),
    "dashboard": ("services.dashboard", "run the dashboard: the pages for people, a client of the API"),
    "sandbox": ("harness.sandbox", "run the sandbox carrier with its phones"),
    "phones": ("harness.phones", "run the page of simulated phones on the sandbox carrier"),
}


def add_commands(app: "typer.Typer") -> None:
    for name, (_, text) in _MODULES.items():
        _add(app, name, f"{text[0].upper()}{text[1:]}.")


def _add(app: "typer.Typer", name: str, text: str) -> None:
    @app.command(name, help=text)
    def run_service() -> None:
        become(name)


def become(name: str) -> NoReturn:
    """Replace this process by the service: one process, which has its signals."""
    module, _ = _MODULES[name]
    os.execv(sys.executable, [sys.executable, "-m", module])  # noqa: S606 (that is what it does)
