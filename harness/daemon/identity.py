"""Refuses the data of another clone, or of a newer version, before a stack uses them."""

from pathlib import Path

from harness.daemon.home import StackHome
from harness.kafka.runtime import kafka_version
from harness.machine.private_file import read_private, write_private
from harness.machine.user_folders import CODE
from harness.processes import HarnessError

_BEGIN_AFRESH = "or begin afresh, without these data: stopline reset"


def check_identity(home: StackHome) -> None:
    """Return if the data belong to this clone and version, or if there are none.

    Raises:
        HarnessError: they belong to another clone, or were written by a newer version; the line says what to do.
    """
    written = read_private(home.identity)
    clone = written.get("clone", str(CODE))
    if clone != str(CODE) and Path(clone).is_dir():
        raise HarnessError(
            f"the data in {home.data} belong to the clone {clone}, this is {CODE}: use them there, choose another"
            f" STOPLINE_HOME, {_BEGIN_AFRESH}"
        )
    newer = sorted(set(written.get("migrations", ())) - set(_migrations()))
    if newer:
        raise HarnessError(
            f"the data in {home.data} were written by another version of Stopline (this one does not have its"
            f" {', '.join(newer)}): run that version, {_BEGIN_AFRESH}"
        )
    if _numbers(written.get("kafka", "0")) > _numbers(kafka_version()):
        raise HarnessError(
            f"the data in {home.data} were written by Kafka {written['kafka']}, this is {kafka_version()}: run that"
            f" version, {_BEGIN_AFRESH}"
        )


def write_identity(home: StackHome) -> None:
    """Record that the data belong to this clone and version."""
    write_private(home.identity, {"clone": str(CODE), "migrations": _migrations(), "kafka": kafka_version()})


def _migrations() -> list[str]:
    """Return the names of all migrations that this version has."""
    files = (CODE / "services").glob("*/migrations/*.sql")
    return sorted(f"{path.parents[1].name}/{path.name}" for path in files)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
