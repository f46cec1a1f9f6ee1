"""The logs of a background stack, by the part that writes each."""

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from harness.daemon.home import StackHome

_MAX_TAIL_BYTES = 4 * 1024 * 1024
_LOOK_SECONDS = 0.2
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def log_files(home: StackHome) -> dict[str, Path]:
    """Return the log of the stack itself and those of its parts, also after its end."""
    found = {"stack": home.log, **{path.stem: path for path in sorted((home.data / "logs").glob("*.log"))}}
    named = {"kafka" if name == "kafka-1" else name: path for name, path in found.items()}
    return {name: path for name, path in named.items() if path.is_file()}


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a file, of its last 4 MB at most, fit for a terminal."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _MAX_TAIL_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    return [_printable(line) for line in lines[-count:]] if count else []


def follow(files: Mapping[str, Path], show: Callable[[str, str], None]) -> None:
    """Call `show` with the name and the text of each line that is added to the files, until interrupted."""
    opened = {name: path.open("rb") for name, path in files.items()}
    for file in opened.values():
        file.seek(0, 2)
    while True:
        for name, file in opened.items():
            for line in file:
                show(name, _printable(line.decode(errors="replace").rstrip("\n")))
        time.sleep(_LOOK_SECONDS)


def print_line(_: str, line: str) -> None:
    print(line)


def print_with_name(name: str, line: str) -> None:
    print(f"{name}: {line}")


def _printable(line: str) -> str:
    return _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", line)
