"""A process exports its own metrics: another's, at 0, would read as if that one were unwell."""

import subprocess
import sys

import pytest

NAMES = """
import sys
from importlib import import_module
from prometheus_client import REGISTRY
import_module(sys.argv[1])
print(*sorted({metric.name for metric in REGISTRY.collect() if metric.name.startswith("stopline_")}))
"""
OF_EVERY_PROCESS = ("stopline_ready", "stopline_http_", "stopline_traces_")


@pytest.mark.parametrize(
    ("app", "own"),
    [
        ("services.inbound.poll.app", "stopline_poll_"),
        ("services.inbound.smpp.app", "stopline_smpp_"),
        ("services.sender.app", "stopline_sender_"),
    ],
)
def test_a_process_exports_no_metrics_of_another(app: str, own: str) -> None:
    done = subprocess.run([sys.executable, "-c", NAMES, app], capture_output=True, text=True, check=True)
    names = done.stdout.split()
    assert [name for name in names if name.startswith(own)]
    assert [name for name in names if not name.startswith((own, *OF_EVERY_PROCESS))] == []
