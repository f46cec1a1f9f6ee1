"""Rows as asyncpg returns them: tuples whose columns have names, too."""

from collections.abc import Iterable
from typing import Any


class ReturnedRow(tuple[Any, ...]):
    """A row: by number, by name, or unpacked."""

    __slots__ = ()
    names: tuple[str, ...] = ()

    def __getitem__(self, key: Any) -> Any:
        return tuple.__getitem__(self, self.names.index(key)) if isinstance(key, str) else tuple.__getitem__(self, key)


def row_maker(*names: str) -> type[ReturnedRow]:
    """Return the type of rows with these columns."""
    return type("ReturnedRow", (ReturnedRow,), {"__slots__": (), "names": names})


def lines(text: str) -> list[str]:
    """Return what Postgres' `string_to_array(text, E'\\n')` does."""
    return text.split("\n") if text else []


def newest(values: Iterable[Any]) -> Any:
    """Return what Postgres' `greatest` does: the largest of those that are not null."""
    return max((each for each in values if each is not None), default=None)


def first(*values: Any) -> Any:
    """Return what Postgres' `coalesce` does."""
    return next((each for each in values if each is not None), None)
