"""Text as Postgres can keep it."""

from typing import overload


@overload
def storable(text: str) -> str: ...
@overload
def storable(text: None) -> None: ...
@overload
def storable(text: str | None) -> str | None: ...


def storable(text: str | None) -> str | None:
    """Return `text` without NUL, which JSON can hold and Postgres cannot."""
    return None if text is None else text.replace("\x00", "\ufffd")
