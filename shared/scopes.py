"""The scopes in which a suppression forbids messages: one list, one sender number, or the whole account."""

from functools import lru_cache
from typing import Annotated

from pydantic import StringConstraints

Scope = Annotated[str, StringConstraints(pattern=r"^(account|list:[0-9]{1,16}|sender:.{1,40})$")]

ACCOUNT = "account"


def list_scope(list_id: int) -> str:
    return f"list:{list_id}"


def sender_scope(sender_number: str) -> str:
    return f"sender:{sender_number}"


def kind_and_value(scope: str) -> tuple[str, str]:
    """Return the kind of a scope (account, list or sender), and the id or the number that it names."""
    kind, _, value = scope.partition(":")
    return kind, value


def is_of_sender(scope: str) -> bool:
    """Say whether the scope is one sender number."""
    return scope.startswith("sender:")


def list_id_of(scope: str) -> int | None:
    """Return the list of a scope; None where the scope is not one list."""
    return int(scope.removeprefix("list:")) if scope.startswith("list:") else None


@lru_cache(maxsize=4096)
def forbidding_scopes(
    list_id: int | None, sender_number: str | None, also_lists: tuple[int, ...] = ()
) -> tuple[str, ...]:
    """Return the scopes that forbid a message of this list from this number; None: that is not known.

    `also_lists` are further lists whose opt-outs forbid it.
    """
    of_list = () if list_id is None else (list_scope(list_id),)
    of_number = () if sender_number is None else (sender_scope(sender_number),)
    return *of_list, ACCOUNT, *of_number, *map(list_scope, also_lists)
