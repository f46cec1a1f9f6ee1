"""A table that a narrow screen can scroll sideways, and a keyboard too."""

from collections.abc import Iterable, Sequence

import htpy as h


def table(
    caption: str, columns: Sequence[str], rows: Iterable[Sequence[h.Node]], *, figures: Sequence[int] = ()
) -> h.Renderable:
    """Return a table.

    Args:
        caption: what it shows, for whoever does not see it.
        columns: the names of the columns; that of buttons is empty.
        rows: the cells of each row; the first of them names the row.
        figures: the columns, from 0, of numbers, which are aligned to the right.
    """
    return h.div(".scroll", role="group", aria_label=caption, tabindex="0")[
        h.table[
            h.caption(".unseen")[caption],
            h.thead[h.tr[[_heading(name, _class(place, figures)) for place, name in enumerate(columns)]]],
            h.tbody[[_row(cells, figures) for cells in rows]],
        ]
    ]


def _heading(name: str, css_class: str | None) -> h.Renderable:
    shown = name or h.span(".unseen")["Actions"]
    return h.th(scope="col", class_=css_class)[shown]


def _row(cells: Sequence[h.Node], figures: Sequence[int]) -> h.Renderable:
    first, *rest = cells
    return h.tr[
        h.th(scope="row", class_=_class(0, figures))[first],
        [h.td(class_=_class(place, figures))[cell] for place, cell in enumerate(rest, start=1)],
    ]


def _class(place: int, figures: Sequence[int]) -> str | None:
    return "figure" if place in figures else None
