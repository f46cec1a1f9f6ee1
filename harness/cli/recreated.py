"""`stopline topics adopt | repair`: an operator decides about a topic that differs from its database."""

import argparse
from collections.abc import Awaitable, Callable
from typing import Any

from harness.cli.databases import Service, in_database
from services.optout.decision_log.topics import adopt_delivery, adopt_inbound, ask_for_repair
from services.sender.ledger.topics import adopt as adopt_outbound
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, OUTBOUND_MESSAGES

_Work = Callable[[Any], Awaitable[None]]
_ADOPT: dict[str, tuple[Service, _Work]] = {
    INBOUND_MESSAGES: ("optout", adopt_inbound),
    DELIVERY_EVENTS: ("optout", adopt_delivery),
    OUTBOUND_MESSAGES: ("sender", adopt_outbound),
}


def add_actions(actions: Any) -> None:
    adopt = actions.add_parser("adopt", help="go on with a topic that was recreated, from its beginning")
    adopt.add_argument("topic", choices=sorted(_ADOPT))
    adopt.set_defaults(run=_adopt)
    actions.add_parser(
        "repair", help="have `suppressions` compared with the record and corrected by the running opt-out service"
    ).set_defaults(run=_repair)


def _adopt(arguments: argparse.Namespace) -> int:
    in_database(*_ADOPT[arguments.topic])
    print(f"{arguments.topic}: the topic that is there is taken when its reader starts")
    return 0


def _repair(_: argparse.Namespace) -> int:
    in_database("optout", ask_for_repair)
    print("the opt-out service compares suppressions with its record, now or when it starts")
    return 0
