"""The process that outlives a crash of its parent for as long as it takes to clean up.

It runs as a script with only the standard library and reads lines from standard input, each about something to clean
up. The end of the input means that the parent has ended, in whatever way: even `kill -9` closes a pipe. Then the
watcher kills the groups, runs the commands and removes the folders that are still on its list, in this order.

    group 4711          a process group, to be killed with all its descendants
    command ["docker", "rm", "--force", "4f1d"]    a command to be run
    folder /tmp/stopline-x1y2z3                    a folder to be removed
    forget <a line as above>                       no longer needed
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_COMMAND_SECONDS = 30


def descendants(pid: int) -> list[int]:
    """Return the processes below `pid`, which may have left its group (as Postgres's backends do)."""
    children: dict[int, list[int]] = {}
    for child, parent in _parents():
        children.setdefault(parent, []).append(child)
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found[1:]


def is_running(pid: int) -> bool:
    """Return whether a process runs; a zombie, whose parent has not read its exit code yet, does not."""
    with suppress(OSError):
        return Path("/proc", str(pid), "stat").read_text(errors="replace").rpartition(")")[2].split()[0] != "Z"
    if Path("/proc/self/stat").exists():
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def _parents() -> Iterable[tuple[int, int]]:
    if Path("/proc/self/stat").exists():
        yield from _parents_from_proc()
        return
    listing = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=False).stdout
    for line in listing.splitlines():
        child, parent = line.split()
        yield int(child), int(parent)


def _parents_from_proc() -> Iterable[tuple[int, int]]:
    for entry in os.listdir("/proc"):  # noqa: PTH208 (plain names: a hundred of them, and a Path for none)
        if entry.isdigit():
            with suppress(OSError):
                stat = Path("/proc", entry, "stat").read_text(errors="replace")
                # "4711 (a name (with brackets)) S 1 ...": the parent is the second field after the name
                yield int(entry), int(stat.rpartition(")")[2].split()[1])


def signal_tree(group: int, number: signal.Signals) -> None:
    """Send a signal to a process group and to all descendants of its leader."""
    below = descendants(group)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
    for pid in below:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def remember(lines: Iterable[str]) -> list[str]:
    """Return the entries that are still to be cleaned up once the lines have ended."""
    kept: dict[str, None] = {}
    for line in lines:
        entry = line.rstrip("\n")
        if entry.startswith("forget "):
            kept.pop(entry.removeprefix("forget "), None)
        elif entry:
            kept[entry] = None
    return list(kept)


def clean_up(entries: list[str]) -> None:
    """Clean up: processes first, and last the folders that they may be writing to."""
    for kind, act in (("group", _kill), ("command", _run), ("folder", _remove)):
        for entry in entries:
            name, _, value = entry.partition(" ")
            if name == kind:
                act(value)


def _kill(group: str) -> None:
    signal_tree(int(group), signal.SIGKILL)


def _run(argv: str) -> None:
    with suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(json.loads(argv), capture_output=True, timeout=_COMMAND_SECONDS, check=False)


def _remove(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Watch standard input until it ends."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    clean_up(remember(sys.stdin))


if __name__ == "__main__":
    main()
