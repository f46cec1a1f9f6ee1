"""Each alert, by Prometheus's own promtool: it fires where it should, and not where it should not."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from rule_cases import CASES, SampleSeries

ALERTS = Path(__file__).parents[3] / "deploy" / "monitoring" / "alerts.yml"
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None and not os.environ.get("STOPLINE_REQUIRE_PROMETHEUS"),
    reason="no promtool: install Debian's package prometheus (STOPLINE_REQUIRE_PROMETHEUS=1 has this fail)",
)


def promtool(*arguments: str) -> str:
    assert PROMTOOL, "STOPLINE_REQUIRE_PROMETHEUS is set, and there is no promtool"
    done = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def _test(alert: str, series: SampleSeries, minute: int, firing: int) -> dict[str, object]:
    asked = f'count(ALERTS{{alertname="{alert}", alertstate="firing"}}) or vector(0)'
    return {
        "name": f"{alert} {'fires' if firing else 'is quiet'}",
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {"expr": asked, "eval_time": f"{minute}m", "exp_samples": [{"labels": "{}", "value": firing}]}
        ],
    }


def test_there_is_a_case_for_each_alert() -> None:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    assert sorted(rule["alert"] for group in groups for rule in group["rules"]) == sorted(CASES)


@needs_promtool
def test_the_rules_are_valid() -> None:
    assert f"{len(CASES)} rules found" in promtool("check", "rules", str(ALERTS))


@needs_promtool
@pytest.mark.parametrize("fires", [True, False], ids=["fires", "is quiet"])
def test_each_alert_fires_where_it_should_and_not_where_it_should_not(tmp_path: Path, *, fires: bool) -> None:
    tests = [
        _test(name, case.fires if fires else case.quiet, case.minute, case.firing if fires else 0)
        for name, case in CASES.items()
    ]
    asked = tmp_path / "tests.yml"
    asked.write_text(yaml.safe_dump({"rule_files": [str(ALERTS)], "evaluation_interval": "3m", "tests": tests}))
    promtool("test", "rules", str(asked))
