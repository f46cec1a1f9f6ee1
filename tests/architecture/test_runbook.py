"""The runbook: each alert has its heading and each heading its alert; what they name exists."""

import json
import re
import runpy
from typing import Any

import pytest
import yaml
from tree import ROOT

MONITORING = ROOT / "deploy" / "monitoring"
RUNBOOK = (ROOT / "docs" / "operations.md").read_text()
PAGE = runpy.run_path(str(ROOT / "tools" / "metrics-page"))
OF_OTHERS = {"process_start_time_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes"}


def _alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


ALERTS = {rule["alert"]: rule for rule in _alerts()}


def test_each_alert_has_its_heading_and_each_heading_its_alert() -> None:
    assert sorted(re.findall(r"^#### (Stopline\w+)$", RUNBOOK, re.MULTILINE)) == sorted(ALERTS)
    assert len(ALERTS) == len(_alerts())


@pytest.mark.parametrize("alert", ALERTS)
def test_the_runbook_says_what_an_alert_means_how_to_see_it_and_what_to_do(alert: str) -> None:
    section = RUNBOOK.partition(f"\n#### {alert}\n")[2].partition("\n#")[0]
    for part in ("**Means.** ", "**See.** ", "**Do.** "):
        assert len(section.partition(part)[2].partition("\n\n")[0]) > 10, part


@pytest.mark.parametrize("rule", ALERTS.values(), ids=ALERTS)
def test_an_alert_says_what_is_wrong_what_to_do_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["labels"] in ({"severity": "page"}, {"severity": "ticket"})
    assert "for" in rule, "what is over at once wakes nobody"
    about = rule["annotations"]
    assert set(about) == {"summary", "action", "runbook_url"}
    assert about["runbook_url"].endswith(f"docs/operations.md#{rule['alert'].lower()}")
    assert "\n" not in about["summary"] + about["action"]


def _named(text: str) -> set[str]:
    found = set(re.findall(r"\b(?:stopline|process)_[a-z_]+[a-z]", text))
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in found} - {"stopline_docs"}


def _exported() -> set[str]:
    return {PAGE["exported_name"](each) for module in PAGE["modules"]() for each in PAGE["declared_in"](module)}


def test_every_metric_in_an_alert_or_on_the_dashboard_is_declared() -> None:
    texts = [rule["expr"] for rule in _alerts()]
    texts += [target["expr"] for panel in dashboard_panels() for target in panel.get("targets", ())]
    unknown = {name for text in texts for name in _named(text)} - _exported() - OF_OTHERS
    assert unknown == set()


def dashboard_panels() -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    return panels


def test_no_panel_lies_over_another_and_each_has_a_title() -> None:
    cells: set[tuple[int, int]] = set()
    for panel in dashboard_panels():
        place = panel["gridPos"]
        assert panel["title"]
        mine = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert cells & mine == set(), panel["title"]
        assert all(x < 24 for x, _ in mine), panel["title"]
        cells |= mine
    assert len({panel["id"] for panel in dashboard_panels()}) == len(dashboard_panels())
