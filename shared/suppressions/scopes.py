"""The scopes in which an opt-out forbids a message."""

from functools import lru_cache


@lru_cache(maxsize=4096)
def forbidding_scopes(
    list_id: int | None, sender_number: str | None, also_lists: tuple[int, ...] = ()
) -> tuple[str, ...]:
    """Return the scopes that forbid a message of this list from this number; None: that is not known.

    `also_lists` are further lists whose opt-outs forbid it.
    """
    of_list = () if list_id is None else (f"list:{list_id}",)
    of_number = () if sender_number is None else (f"sender:{sender_number}",)
    return *of_list, "account", *of_number, *(f"list:{each}" for each in also_lists)
