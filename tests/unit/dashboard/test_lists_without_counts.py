"""The page of lists is there also for whoever has too many contacts to count."""

from types import SimpleNamespace
from typing import Any

import htpy as h
import pytest

from services.dashboard.api import RefusedByApiError
from services.dashboard.pages.lists import overview

NEWS = {"list_id": 3, "name": "News", "kind": "contacts", "created_at": "2026-11-24T12:00:00.000000Z"}


class CountsRefused:
    """An API that refuses to count, as the real one does, and answers without."""

    def __init__(self, field: str) -> None:
        self._field = field

    async def get(self, _: str, params: dict[str, Any]) -> dict[str, Any]:
        if params.get("counts"):
            raise RefusedByApiError(422, "too_many", f"{self._field}: too many", self._field)
        return {"lists": [NEWS], "next": None}


def visit(refused_field: str) -> Any:
    return SimpleNamespace(
        api=CountsRefused(refused_field),
        user=SimpleNamespace(may=lambda _: False),
        page=lambda _, *content: str(h.fragment[content]),
    )


async def test_lists_that_cannot_be_counted_are_shown_without_and_not_asked_for_again() -> None:
    first = str(await overview(visit("counts"), None, counts=False))
    assert 'hx-trigger="load"' in first
    counted = str(await overview(visit("counts"), None, counts=True))
    assert "News" in counted
    assert "too many contacts to count" in counted
    assert "hx-get" not in counted


async def test_what_else_is_refused_is_said() -> None:
    with pytest.raises(RefusedByApiError):
        await overview(visit("after"), None, counts=True)
