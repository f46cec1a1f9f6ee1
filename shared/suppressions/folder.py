"""The folder of a snapshot, looked at before the service begins."""

from pathlib import Path

from shared.errors import MisconfiguredError


def make_cache_folder(folder: Path, setting: str) -> None:
    """Make the folder where it is missing, and see that it can be written to.

    Args:
        folder: of one process alone.
        setting: the name of the setting that gives it.

    Raises:
        MisconfiguredError: it cannot be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise MisconfiguredError(f"{setting}: {error.strerror}: {folder}") from None
