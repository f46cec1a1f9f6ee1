"""`stopline inbound | optout | sender | sandbox`: one service in the foreground, the same as `python -m services.…`."""

import argparse
import os
import sys
from typing import Any

_MODULES = {
    "inbound": ("services.inbound", "run the inbound service: webhooks and receipts to Kafka"),
    "optout": ("services.optout", "run the opt-out service: the pipeline and the customer API"),
    "sender": ("services.sender", "run the sender: outbound messages to the carrier, or dropped"),
    "sandbox": ("harness.sandbox", "run the sandbox carrier with its phones"),
}


def add_commands(commands: Any) -> None:
    for name, (module, text) in _MODULES.items():
        commands.add_parser(name, help=text, description=text).set_defaults(run=_run, module=module)


def _run(arguments: argparse.Namespace) -> int:
    os.execv(sys.executable, [sys.executable, "-m", arguments.module])  # noqa: S606 (becomes the service: one process, its signals)
