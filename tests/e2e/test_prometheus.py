"""A real Prometheus loads the alerts and scrapes the whole stack: all that alerts and dashboard name is there."""

import json
import os
import re
import runpy
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from harness.machine.ports import free_ports
from harness.stack.stack import Stack

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
PROMETHEUS = shutil.which("prometheus")
pytestmark = pytest.mark.skipif(
    PROMETHEUS is None and not os.environ.get("STOPLINE_REQUIRE_PROMETHEUS"),
    reason="no Prometheus: install Debian's package prometheus (STOPLINE_REQUIRE_PROMETHEUS=1 has this fail)",
)
OF_NO_PROCESS_HERE = {"stopline_smpp_bound", "stopline_smpp_deliveries_total"}
"""Of `smpp`, which needs an SMSC."""
NOT_BEFORE_IT_HAPPENS = {
    "stopline_sender_smpp_bound",
    "stopline_sender_throttled_total",
    "stopline_sender_waits_total",
    "stopline_http_cut_off_total",
    "stopline_poll_consents_total",
    "stopline_poll_consents_failing",
}
"""Their labels are not known before."""


@pytest.fixture(scope="module")
def prometheus(stopline_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    assert PROMETHEUS, "STOPLINE_REQUIRE_PROMETHEUS is set, and there is no Prometheus"
    folder, port = tmp_path_factory.mktemp("prometheus"), free_ports(1)[0]
    targets = [
        {"targets": [url.removeprefix("http://").removesuffix("/metrics")], "labels": {"process": name}}
        for name, url in stopline_stack.endpoints().metrics.items()
    ]
    settings = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(MONITORING / "alerts.yml")],
        "scrape_configs": [{"job_name": "stopline", "scrape_timeout": "1s", "static_configs": targets}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    options = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen([PROMETHEUS, *options, f"--web.listen-address=127.0.0.1:{port}"], stderr=log) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as http,
    ):
        try:
            _until(lambda: _is_scraped(http, len(targets)), folder / "log")
            yield http
        finally:
            process.kill()


def _until(condition: Any, log: Path, seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, log.read_text()
        time.sleep(0.1)


def _is_scraped(http: httpx.Client, targets: int) -> bool:
    """Say whether all targets were scraped often enough for a rate."""
    try:
        found = _result(http, 'min_over_time(up{job="stopline"}[10s]) and on (instance) rate(stopline_ready[10s]) >= 0')
    except (httpx.TransportError, ValueError):  # it is starting, and says so in plain text
        return False
    return len(found) == targets


def _result(http: httpx.Client, query: str) -> list[dict[str, Any]]:
    answer = http.get("/api/v1/query", params={"query": query}).json()
    assert answer["status"] == "success", (query, answer)
    result: list[dict[str, Any]] = answer["data"]["result"]
    return result


def _expressions() -> list[str]:
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]] + [each for _, each in _panels()]


def _panels() -> list[tuple[str, str]]:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    return [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel.get("targets", ())]


def test_every_metric_that_alerts_and_dashboard_name_is_exported_with_data(prometheus: httpx.Client) -> None:
    named = {found for each in _expressions() for found in re.findall(r"\b(?:stopline|process)_[a-z_]+[a-z]", each)}
    without = {name for name in named if not _result(prometheus, f"count({name})")}
    assert without - OF_NO_PROCESS_HERE - NOT_BEFORE_IT_HAPPENS == set()
    unknown = {name for name in without - OF_NO_PROCESS_HERE if not _metadata(prometheus, name)}
    assert unknown == set()


def _metadata(http: httpx.Client, name: str) -> list[Any]:
    found: list[Any] = http.get("/api/v1/targets/metadata", params={"metric": name}).json()["data"]
    return found


def test_every_declared_metric_of_these_processes_is_exported(prometheus: httpx.Client) -> None:
    page = runpy.run_path(str(ROOT / "tools" / "metrics-page"))
    here = [each for each in page["modules"]() if "smpp" not in each and "dashboard" not in each]
    declared = {page["exported_name"](metric) for module in here for metric in page["declared_in"](module)}
    assert {name for name in declared if not _metadata(prometheus, name)} == set()


def test_every_alert_can_be_evaluated(prometheus: httpx.Client) -> None:
    groups = prometheus.get("/api/v1/rules").json()["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 40
    _until(lambda: all(each["health"] != "unknown" for each in _rules(prometheus)), MONITORING / "alerts.yml")
    assert [(each["name"], each.get("lastError")) for each in _rules(prometheus) if each["health"] != "ok"] == []


def _rules(http: httpx.Client) -> list[dict[str, Any]]:
    return [rule for group in http.get("/api/v1/rules").json()["data"]["groups"] for rule in group["rules"]]


@pytest.mark.parametrize(("title", "expression"), _panels(), ids=lambda each: each[:40])
def test_every_panel_shows_something(prometheus: httpx.Client, title: str, expression: str) -> None:
    if title == "What fires, and the runbook's heading":
        expression = "ALERTS or vector(1)"
    assert _result(prometheus, expression.replace("$__rate_interval", "30s")), title


async def test_readiness_is_a_metric_that_falls_and_rises_with_the_process(
    prometheus: httpx.Client, stopline_stack: Stack
) -> None:
    ready = 'stopline_ready{process="sender"}'
    _until(lambda: [each["value"][1] for each in _result(prometheus, ready)] == ["1"], MONITORING / "alerts.yml")
    optout = stopline_stack.services["optout"]
    await optout.pause()
    try:
        up = 'max_over_time(up{process="optout"}[2s])'
        _until(
            lambda: _result(prometheus, up) and _result(prometheus, up)[0]["value"][1] == "0", MONITORING / "alerts.yml"
        )
        pending = 'ALERTS{alertname="StoplineProcessDown", process="optout"}'
        _until(lambda: _result(prometheus, pending), MONITORING / "alerts.yml")
    finally:
        await optout.resume()
    _until(lambda: not _result(prometheus, pending), MONITORING / "alerts.yml")
