"""A client that sends anything: Schemathesis, in a process of its own, which judges each answer by the document."""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
from customer import FOLDER, VENV

from harness.certificates import certificates
from harness.client import create_account
from harness.stack.endpoints import Endpoints


@dataclass(frozen=True)
class Asking:
    """What is asked.

    Attributes:
        phases: `coverage` tries each limit of each field, `fuzzing` anything, with `examples` requests to each route;
            `stateful` asks about what was answered before, in ten times as many sequences.
    """

    seed: int
    phases: str
    examples: int


@dataclass(frozen=True)
class Verdict:
    """What one run found; `links` are the pairs of routes of which one was asked with what the other answered."""

    is_good: bool
    operations: int
    tested: int
    links: int
    text: str


async def ask_anything(ends: Endpoints, version: str, asking: Asking, folder: Path) -> Verdict:
    """Send a new account's requests to every route of the version's document, and judge the answers."""
    account_id = f"t-{uuid4().hex[:12]}"
    account = await create_account(ends.api_url, ends.inbound_url, ends.admin_token, account_id)
    async with httpx.AsyncClient(
        verify=certificates(), base_url=ends.api_url, auth=(account_id, account.api_key)
    ) as http:
        keys = (await http.get("/v1/api-keys")).json()["api_keys"]
    folder = folder / version
    folder.mkdir()
    config, report = folder / "schemathesis.toml", folder / "report.json"
    counts = (("fuzzing", asking.examples), ("stateful", 10 * asking.examples))
    limits = "".join(f"\n[phases.{phase}.generation]\nmax-examples = {count}\n" for phase, count in counts)
    config.write_text((FOLDER / "schemathesis.toml").read_text() + limits)
    environment = {
        **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
        "PYTHONPATH": f"{VENV / 'schemathesis'}:{FOLDER}",
        "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
        "ACCOUNT_ID": account_id,
        "API_KEY": account.api_key,
        "KEY_ID": str(keys[0]["key_id"]),
        "ADMIN_TOKEN": ends.admin_token,
    }
    program = ["-W", "ignore", "-m", "schemathesis.cli", "--config-file", config]
    document = f"{ends.api_url}/{version}/openapi.json"
    choices = ["--phases", asking.phases, "--seed", str(asking.seed), "--report", "json", "--report-json-path", report]
    ask = ["run", document, "--no-color", *choices]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *program, *ask, stdout=PIPE, stderr=STDOUT, env=environment, cwd=folder
    )
    try:
        written, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return _verdict(written.decode(), report, is_good=process.returncode == 0)


def _verdict(text: str, report: Path, *, is_good: bool) -> Verdict:
    assert report.exists(), text
    operations = json.loads(report.read_text())["operations"]
    links = re.search(r"API Links: +(\d+) covered", text)
    return Verdict(is_good, operations["total"], operations["tested"], int(links[1]) if links else 0, text)
