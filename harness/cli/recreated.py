"""`stopline topics adopt | repair`: an operator decides about a topic that differs from its database."""

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import asyncpg

from harness.cli.running_stack import running_stack
from services.optout.record.topics import adopt_delivery, adopt_inbound, ask_for_repair
from services.sender.ledger.topics import adopt as adopt_outbound
from shared.errors import TransientError
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, OUTBOUND_MESSAGES

_CONNECT_SECONDS = 10.0
_Work = Callable[[Any], Awaitable[None]]
_Service = Literal["optout", "sender"]
_ADOPT: dict[str, tuple[_Service, _Work]] = {
    INBOUND_MESSAGES: ("optout", adopt_inbound),
    DELIVERY_EVENTS: ("optout", adopt_delivery),
    OUTBOUND_MESSAGES: ("sender", adopt_outbound),
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
    _in_database("optout", ask_for_repair)
    print("the opt-out service compares suppressions with its record, now or when it starts")
    return 0


def _in_database(service: _Service, work: _Work) -> None:
    setting = f"STOPLINE_{service.upper()}_DATABASE_URL"
    url = os.environ.get(setting) or _database_of_the_stack(service)

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


def _database_of_the_stack(service: _Service) -> str:
    book = running_stack()
    return book.optout_database_url if service == "optout" else book.sender_database_url
