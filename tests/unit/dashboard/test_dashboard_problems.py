"""What is wrong is said first, in words, with what to do; where nothing is, nothing is said."""

from typing import Any

import pytest

from services.dashboard.health import ServiceHealth
from services.dashboard.pages.overview import parts
from services.dashboard.pages.overview.problems import problems

WELL: dict[str, Any] = {
    "partitions": [{"partition": 0, "undecided": 12}],
    "effect": {"replies": 3, "p50_ms": 12.0, "p99_ms": 40.0},
    "held": 0,
    "lists": [],
    "campaigns": [],
}
WORKS = [ServiceHealth("inbound"), ServiceHealth("sender")]


def test_where_all_is_well_nothing_is_wrong() -> None:
    assert problems(WORKS, WELL) == []
    assert "All is well" in str(parts.state([], WORKS, WELL))


@pytest.mark.parametrize("name", ["inbound", "optout", "api", "sender", "links", "poll", "smpp", "another"])
def test_a_service_that_is_down_is_named_with_what_it_means_and_where_to_look(name: str) -> None:
    (found,) = problems([ServiceHealth(name, "it does not answer")], WELL)
    assert found.title == f"{name} cannot work: it does not answer"
    assert f"stopline logs {name}" in found.text


def test_an_api_that_does_not_answer_is_a_problem_of_its_own() -> None:
    assert problems(WORKS, None)[0].title == "The API does not answer"


def test_events_that_wait_to_be_decided_are_said_with_their_partition() -> None:
    undecided = {**WELL, "partitions": [{"partition": 0, "undecided": 0}, {"partition": 4, "undecided": 12_345}]}
    (found,) = problems(WORKS, undecided)
    assert "12,345 events wait to be decided (partition 4)" in found.title


def test_replies_that_took_long_are_said_and_a_quiet_account_is_not() -> None:
    assert "4.2 s" in problems(WORKS, {**WELL, "effect": {"p99_ms": 4_200.0}})[0].title
    assert problems(WORKS, {**WELL, "effect": {"p99_ms": None}}) == []


def test_replies_that_wait_for_a_person_are_a_link() -> None:
    assert "1 reply waits" in str(parts.state([], WORKS, {**WELL, "held": 1}))
    assert 'href="/review"' in str(parts.state([], WORKS, {**WELL, "held": 2}))
