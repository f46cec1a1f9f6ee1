"""The background stacks of this user's other clones, to name the one that uses a port."""

from collections.abc import Set as AbstractSet
from typing import Any

from harness.daemon.home import StackHome, is_daemon
from harness.machine.user_folders import homes_folder


def neighbours_on(ports: AbstractSet[int]) -> list[str]:
    """Return the clones whose running stacks have one of the ports."""
    if not homes_folder().is_dir():
        return []
    homes = map(StackHome, (homes_folder(), *sorted(homes_folder().iterdir())))
    books = [home.written_address_book() for home in homes]
    return [
        book.get("clone", "another clone") for book in books if is_daemon(book.get("pid")) and ports & _ports_of(book)
    ]


def _ports_of(book: dict[str, Any]) -> set[int]:
    """Return the ports in an address book that any version may have written."""
    texts = (str(value) for name, value in book.items() if name == "kafka_bootstrap" or name.endswith("_url"))
    last = (text.rpartition(":")[2].partition("/")[0] for text in texts)
    return {int(port) for port in last if port.isdigit()}
