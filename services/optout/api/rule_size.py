"""Refuses rules that are too large together: one account's rules must not delay another's replies."""

import asyncio
from collections.abc import Sequence

from services.optout.api.errors import ApiError
from services.optout.rules import Rule
from services.optout.rules.size import LIMITS, Size, size_of

_WHAT = {
    "terms": "terms",
    "kilobytes": "kB of names, terms and texts",
    "patterns": "patterns",
    "instructions": "instructions in the compiled patterns",
    "compile_ms": "ms that the patterns take to compile",
}
_TO_DO = {
    "terms": "delete rules or terms",
    "kilobytes": "delete rules, or shorten them",
    "patterns": "delete patterns, or join them by |",
    "instructions": "delete patterns, or repeat less in them: a{500} counts as 500",
    "compile_ms": "delete patterns, or name fewer classes such as \\pL in them",
}


async def check_size(before: Sequence[Rule], after: Sequence[Rule]) -> None:
    """Check how large the account's rules are together after a change.

    An account that exceeded a limit before it was introduced may still make its rules smaller.

    Raises:
        ApiError: 422 with the limit, the present sum and what to do.
    """
    size = await asyncio.to_thread(size_of, after)
    exceeded = _exceeded(size, LIMITS)
    if exceeded:
        present = await asyncio.to_thread(size_of, before)
        exceeded = [name for name in exceeded if name in _exceeded(size, present)]
    if exceeded:
        name = exceeded[0]
        message = (
            f"terms: all rules of the account together would have {getattr(size, name):,} {_WHAT[name]}, and"
            f" {getattr(LIMITS, name):,} are possible; {_TO_DO[name]}"
        )
        raise ApiError(422, "rules_too_large", message, "terms")


def _exceeded(size: Size, limits: Size) -> list[str]:
    return [name for name, is_, limit in zip(Size._fields, size, limits, strict=True) if is_ > limit]
