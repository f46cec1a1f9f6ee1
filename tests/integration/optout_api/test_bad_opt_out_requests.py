"""Requests for opt-outs that cannot be: each is refused before anything is published (Kafka is unavailable here)."""

from typing import Any

import pytest
from optout_api_world import Caller


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"scopes": ["list:999999"]}, 404, "scopes"),
        ({"scopes": ["list:0"]}, 404, "scopes"),
        ({"scopes": []}, 422, "scopes"),
        ({"scopes": ["everything"]}, 422, "scopes.0"),
        ({"scopes": ["sender:\u0000"]}, 422, "scopes"),
        ({"phone": "1.4155E+10"}, 422, "phone"),
        ({"by": " "}, 422, "by"),
        ({"asked_at": "2999-01-01T00:00:00Z"}, 422, "asked_at"),
        ({"asked_at": "2026-01-01"}, 422, "asked_at"),
        ({"asked_at": "0001-01-01T00:00:00+14:00"}, 422, "asked_at"),
        ({"statement": "\u0000"}, 422, "statement"),
        ({"source": "clean_up"}, 422, "source"),
        ({"surprise": 1}, 422, "surprise"),
    ],
)
async def test_a_bad_request_says_which_field_and_changes_nothing(
    changes: dict[str, Any], status: int, field: str, acme: Caller
) -> None:
    body = {"phone": "+14155550100", "scopes": ["account"], "by": "ada", **changes}
    answer = await acme.call("POST", "/v1/opt-outs", json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (status, field), answer.text
    assert (await acme.get("/v1/opt-outs"))["opt_outs"] == []
