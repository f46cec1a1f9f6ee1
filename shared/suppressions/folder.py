"""The folder of a snapshot: each process has one of its own, also where several are given the same."""

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from shared.errors import MisconfiguredError

_INSTANCES = 64
_LOCK_FILE = ".lock"


@contextmanager
def own_cache_folder(folder: Path, setting: str) -> Iterator[Path]:
    """Lend a folder that no other process uses meanwhile: `folder`, or one inside it where others have that.

    The lock is the kernel's, so a process that was killed leaves none. Which of them a process gets does not matter:
    every snapshot has all suppressions.

    Args:
        folder: made where it is missing.
        setting: the name of the setting that gives it.

    Raises:
        MisconfiguredError: it cannot be used, or more processes use it than anybody can mean.
    """
    with ExitStack() as stack:
        try:
            yield stack.enter_context(_claimed(folder))
        except _UnusableError as error:
            raise MisconfiguredError(f"{setting}: {error}") from None


class _UnusableError(Exception):
    """The folder cannot be used; kept apart from what happens while it is lent."""


@contextmanager
def _claimed(folder: Path) -> Iterator[Path]:
    for number in range(1, _INSTANCES + 1):
        mine = folder if number == 1 else folder / f"instance-{number}"
        with ExitStack() as stack:
            if _is_claimed(mine, stack):
                yield mine
                return
    raise _UnusableError(f"{_INSTANCES} processes use it already: {folder}")


def _is_claimed(folder: Path, stack: ExitStack) -> bool:
    """Say whether the folder is ours until `stack` ends; it is made, and seen to take files, on the way."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = stack.enter_context((folder / _LOCK_FILE).open("ab"))
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise _UnusableError(f"{error.strerror}: {folder}") from None
    return True
