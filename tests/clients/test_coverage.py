"""The tests of this folder make every call that ClickSend's clients have."""

import re

import pytest
from clicksend_shapes import calls
from customer import FOLDER, methods


def test_every_call_is_made_with_each_generation() -> None:
    known = {f"{call.method} {call.path}" for call in calls()}
    texts = "".join(path.read_text() for path in FOLDER.glob("*.py"))
    made = set(re.findall(r'"((?:GET|POST|PUT|DELETE) /v3/[^"\s]+)"', texts))
    assert made == known


@pytest.mark.parametrize("generation", [1, 2])
def test_every_call_is_named_once(generation: int) -> None:
    known = {f"{call.method} {call.path}" for call in calls()}
    assert methods(generation).keys() == known
