"""Whatever is sent to any route of both documents, the answer is one that the document has: no 5xx, no other form."""

import asyncio
import os
from pathlib import Path
from uuid import uuid4

import pytest
from any_client import Asking, ask_anything

from harness.stack.stack import Stack

MANY = os.environ.get("FUZZ_EXAMPLES")
ASKED = (
    [Asking(uuid4().int % 2**32, "coverage,fuzzing,stateful", int(MANY))]
    if MANY
    else [Asking(1, "coverage,stateful", 5), Asking(2, "fuzzing,stateful", 5), Asking(3, "fuzzing,stateful", 5)]
)
LEAST_LINKS = 1
_SHOWN = 20_000


@pytest.mark.parametrize("asking", ASKED, ids=lambda asking: f"seed-{asking.seed}")
async def test_any_request_is_answered_as_the_documents_say(
    asking: Asking,
    clients: None,  # noqa: ARG001 (they must be there)
    stopline_stack: Stack,
    tmp_path: Path,
) -> None:
    ends = stopline_stack.endpoints()
    both = (ask_anything(ends, version, asking, tmp_path) for version in ("v1", "v3"))
    for verdict in await asyncio.gather(*both):
        shown = verdict.text[:_SHOWN]
        assert verdict.is_good, shown
        assert verdict.tested == verdict.operations > 40, shown
        assert verdict.links >= LEAST_LINKS, shown
