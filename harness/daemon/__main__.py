"""`python -m harness.daemon`: owns a stack until SIGTERM; not for people, who say `stopline up` and `stopline down`."""

import asyncio
import os
import signal
import sys

from harness.daemon.control import serve
from harness.daemon.demo_account import demo_account
from harness.daemon.state import Home, write_private
from harness.stack.stack import Stack


async def _run(folder: Home, fixed_ports: bool) -> None:  # noqa: FBT001 (from the command line)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with Stack(data_dir=folder.data, fixed_ports=fixed_ports, say=_say) as stack:
        server = await serve(folder.control_socket, stack.control)
        account = await demo_account(stack, folder.credentials)
        write_private(folder.address_book, {"pid": os.getpid(), **stack.endpoints(), "demo_account": account})
        _say("ready")
        await stopping.wait()
        folder.address_book.unlink(missing_ok=True)
        server.close()
        _say("stopping")


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    try:
        asyncio.run(_run(Home.default(), "--free-ports" not in sys.argv))
    except Exception as error:  # noqa: BLE001 (the last word of the log is what `stopline up` shows)
        _say(f"failed: {error}")
        sys.exit(1)
