"""A chart of series over time: drawn by uPlot where scripts run, and a table for whoever does not see it."""

import json
from collections.abc import Mapping, Sequence

import htpy as h


def chart(name: str, title: str, times: Sequence[int], series: Mapping[str, Sequence[float | None]]) -> h.Renderable:
    """Return a chart.

    Args:
        name: unique on the page; a chart of the same name that htmx puts in its place goes on where this one was.
        title: what it shows.
        times: seconds since 1970 of each point.
        series: the values of each line, by its name; up to four, which have colours of their own.
    """
    data = json.dumps({"times": list(times), "series": {each: list(values) for each, values in series.items()}})
    totals = "; ".join(f"{each}: {sum(value or 0 for value in values):,.0f}" for each, values in series.items())
    return h.figure(".chart", id=f"chart-{name}", data_chart=data)[
        h.figcaption[
            h.span(".chart-title")[title],
            h.span(".legend")[[h.span(f".series-{place}")[each] for place, each in enumerate(series, start=1)]],
        ],
        h.div(".plot", role="img", aria_label=f"{title}. {totals}"),
    ]
