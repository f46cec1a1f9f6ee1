"""`stopline topics adopt | repair`: what an operator says about a topic that is not as a database has it."""

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from harness.cli.running_stack import running_stack
from services.optout.record.topics import adopt_delivery, adopt_inbound, ask_for_repair
from services.sender.ledger.topics import adopt as adopt_outbound
from shared.errors import TransientError
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, OUTBOUND_MESSAGES

_CONNECT_SECONDS = 10.0
_Work = Callable[[Any], Awaitable[None]]
_ADOPT: dict[str, tuple[str, _Work]] = {
    INBOUND_MESSAGES: ("optout_database_url", adopt_inbound),
    DELIVERY_EVENTS: ("optout_database_url", adopt_delivery),
    OUTBOUND_MESSAGES: ("sender_database_url", adopt_outbound),
}
_AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


def add_actions(actions: Any) -> None:
    adopt = actions.add_parser("adopt", help="go on with a topic that was recreated, from its beginning")
    adopt.add_argument("topic", choices=sorted(_ADOPT))
    adopt.set_defaults(run=_adopt)
    actions.add_parser(
        "repair", help="have `suppressions` compared with the record and corrected by the running opt-out service"
    ).set_defaults(run=_repair)


def _adopt(arguments: argparse.Namespace) -> int:
    _in_database(*_ADOPT[arguments.topic])
    print(f"{arguments.topic}: the topic that is there is taken when its reader starts")
    return 0


def _repair(_: argparse.Namespace) -> int:
    _in_database("optout_database_url", ask_for_repair)
    print("the opt-out service compares suppressions with its record, now or when it starts")
    return 0


def _in_database(which: str, work: _Work) -> None:
    setting = f"STOPLINE_{which.upper()}"
    url = os.environ.get(setting) or running_stack()[which]

    async def run() -> None:
        connection = await asyncpg.connect(url, timeout=_CONNECT_SECONDS)
        try:
            await work(connection)
        finally:
            await connection.close()

    try:
        asyncio.run(run())
    except _AWAY as error:
        raise TransientError(f"Postgres ({setting}): {error!r}") from error
