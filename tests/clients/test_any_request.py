"""Whatever is sent to any route of both documents, the answer is one that the document has: no 5xx, no other form."""

import os
from pathlib import Path
from uuid import uuid4

import pytest
from any_client import Verdict, ask_anything

from harness.stack.stack import Stack

EXAMPLES = os.environ.get("FUZZ_EXAMPLES")
SEEDS = (1, 2, 3) if EXAMPLES is None else (uuid4().int % 2**32,)
LEAST_LINKS = {"v1": 3, "v3": 3}
_SHOWN = 20_000


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("version", ["v1", "v3"])
async def test_any_request_is_answered_as_the_document_says(
    version: str,
    seed: int,
    clients: None,  # noqa: ARG001 (they must be there)
    stopline_stack: Stack,
    tmp_path: Path,
) -> None:
    # What the phase `coverage` sends hardly depends on the seed.
    phases = "coverage,fuzzing,stateful" if seed == SEEDS[0] else "fuzzing,stateful"
    choices = ["--phases", phases, "--seed", str(seed), "--max-examples", EXAMPLES or "5"]
    verdict = await ask_anything(
        stopline_stack.endpoints(), f"t-{uuid4().hex[:12]}", version, tmp_path / "report.json", *choices
    )
    assert verdict.is_good, _shown(verdict)
    assert verdict.tested == verdict.operations > 40
    assert verdict.links >= LEAST_LINKS[version], _shown(verdict)


def _shown(verdict: Verdict) -> str:
    return verdict.text[:_SHOWN]
