"""A row of the table, and how rows are shown."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]
"""`name`, `value`, `unit`, `baseline`, `ratio`, `aim`: the last three may be missing."""


def row(name: str, value: float, unit: str, baseline: float | None = None, aim: str = "") -> Row:
    """Return a row; the ratio is `value` to `baseline`."""
    made: Row = {"name": name, "value": round(value, 3), "unit": unit, "aim": aim}
    if baseline:
        made |= {"baseline": round(baseline, 3), "ratio": round(value / baseline, 3)}
    return made


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| what | value | baseline | ratio | aim |", "|---|---|---|---|---|"]
    for each in rows:
        value = f"{_shown(each['value'])} {each.get('unit', '')}".strip()
        cells = each["name"], value, _shown(each.get("baseline")), _shown(each.get("ratio")), str(each.get("aim", ""))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"


def write_json(path: Path, rows: Sequence[Row], about: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"about": about, "rows": list(rows)}, indent=2) + "\n")
