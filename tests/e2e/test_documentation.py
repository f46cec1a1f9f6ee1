"""The documentation is a site without broken links that loads nothing from elsewhere; its first commands work."""

import re
import subprocess
from pathlib import Path

import pytest
from shell import SECONDS, Shell

ROOT = Path(__file__).parents[2]
_LOADED = re.compile(r'<(?:script|img|iframe)[^>]*\ssrc="([^"]+)"|<link[^>]*\shref="([^"]+)"[^>]*>')
_START = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ELSEWHERE = {"make demo", ".venv/bin/stopline down", ".venv/bin/stopline story"}
"""Tried by other tests, such as tests/e2e/test_command_line.py: the story takes long, and the stack is shared."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [ROOT / "tools" / "build-site", folder], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.mark.timeout(SECONDS)
def test_the_site_is_built_without_a_broken_link_and_has_what_is_made_of_the_code(site: Path) -> None:
    events = (site / "reference" / "events" / "index.html").read_text()
    routes = (site / "reference" / "api-v1" / "index.html").read_text()
    assert 'id="message_suppressed-v1"' in events
    assert "POST /v1/check" in routes


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 100
    loaded = {found for page in pages for pair in _LOADED.findall(page.read_text()) for found in pair if found}
    assert sorted(each for each in loaded if re.match(r"(https?:)?//", each)) == []
    diagrams = (site / "concepts" / "fence" / "index.html").read_text()
    assert '<pre class="mermaid">' in diagrams
    assert "javascripts/mermaid.min.js" in diagrams
    assert (site / "javascripts" / "mermaid.min.js").stat().st_size > 1_000_000


def test_the_commands_of_the_start_page_do_what_it_says(shell: Shell) -> None:
    shown = [line for block in _START.findall((ROOT / "docs" / "start.md").read_text()) for line in block.splitlines()]
    assert len(shown) >= 5
    assert set(shown) >= _ELSEWHERE
    for command in shown:
        if command not in _ELSEWHERE:
            ran = subprocess.run(
                ["bash", "-c", command], cwd=ROOT, env=shell.environment, capture_output=True, text=True,
                timeout=SECONDS, check=False,
            )  # fmt: skip
            assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
