"""`stopline inbound`, `optout`, `api`, `dashboard` and so on: runs one service in the foreground."""

import argparse
import os
import sys
from typing import Any

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


def add_commands(commands: Any) -> None:
    for name, (module, text) in _MODULES.items():
        commands.add_parser(name, help=text, description=text).set_defaults(run=_run, module=module)


def _run(arguments: argparse.Namespace) -> int:
    os.execv(sys.executable, [sys.executable, "-m", arguments.module])  # noqa: S606 (becomes the service: one process, its signals)
