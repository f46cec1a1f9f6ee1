"""`python -m harness.daemon`: owns a stack until SIGTERM. `stopline up` starts it and `stopline down` ends it."""

import asyncio
import os
import signal
import sys
from typing import cast

from harness.account import Account
from harness.daemon.address_book import AddressBook
from harness.daemon.control_socket import serve
from harness.daemon.demo_account import demo_account
from harness.daemon.home import StackHome
from harness.daemon.identity import check_identity, write_identity
from harness.daemon.stack_ports import Choice, choose_ports
from harness.daemon.supervise import Supervisor
from harness.machine.user_folders import CODE
from harness.processes import StartError
from harness.say import say
from harness.stack.stack import Stack
from shared.errors import MisconfiguredError, TransientError


async def _run(home: StackHome, choice: Choice) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    check_identity(home)
    async with Stack(
        data_dir=home.data, ports=choose_ports(home, choice, say), links=True, poll=True, dashboard=True, say=say
    ) as stack:
        write_identity(home)
        supervisor = Supervisor(stack, say)
        server = await serve(home.control_socket, supervisor)
        account = await demo_account(stack, home.credentials)
        await _add_phones(stack, account, home)
        book = AddressBook(
            pid=os.getpid(),
            clone=str(CODE),
            stack_log=str(home.log),
            demo_account=account,
            **stack.endpoints().model_dump(),
        )
        book.write(home.address_book)
        say("ready")
        keeping = asyncio.create_task(supervisor.watch())
        await stopping.wait()
        keeping.cancel()
        home.address_book.unlink(missing_ok=True)
        server.close()
        say("stopping")


async def _add_phones(stack: Stack, account: Account, home: StackHome) -> None:
    """Start the page of phones; a stack without it does all of its work."""
    try:
        await stack.add_phones(account, home.control_socket)
    except StartError as error:
        say(f"the page of phones did not start: {error}")


if __name__ == "__main__":
    try:
        asyncio.run(_run(StackHome.default(), cast("Choice", sys.argv[1])))
    except (MisconfiguredError, TransientError) as error:
        say(f"failed: {error}")
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 (the last word of the log is what `stopline up` shows)
        say(f"failed: {type(error).__name__}: {error}")
        sys.exit(1)
