"""The columns of a file are named by whoever imports it: of a file with very many, those that can be imported."""

from typing import Any

import pytest

from services.dashboard.pages.list_import import _mapping


def upload(columns: int, *, has_header: bool) -> dict[str, Any]:
    row = [f"cell {number}" for number in range(columns)]
    return {"columns": ["phone"] + ["skip"] * (columns - 1), "rows": [row, row[:1]], "has_header": has_header}


@pytest.mark.parametrize("has_header", [True, False])
@pytest.mark.parametrize(("columns", "choices"), [(1, 1), (3, 3), (100, 100), (30_000, 100)])
def test_a_page_has_a_choice_for_each_column_that_can_be_imported(
    columns: int, choices: int, *, has_header: bool
) -> None:
    given = upload(columns, has_header=has_header)
    shown = str(_mapping(given, given["columns"]))
    assert shown.count("<select") == choices
    assert len(shown) < 300_000
