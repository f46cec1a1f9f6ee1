"""How rules are read that were saved by another version, without a database."""

from typing import Any

from services.optout.decision_log.stored_rules import rule_set, versioned_rules
from services.optout.rules.rule import MAX_TERMS, Rule

STOP = Rule(name="STOP", match_type="stands_alone", terms=("stop",), action="OPT_OUT")
TOO_MANY = STOP.model_copy(update={"terms": ("w",) * (MAX_TERMS + 1)})


def row(rule_id: int, definition: str | None) -> Any:
    return {"rule_id": rule_id, "version": 1, "definition": definition}


def test_a_rule_that_cannot_be_read_stops_nothing_and_has_what_is_undecided_held() -> None:
    later = STOP.model_dump_json().replace("OPT_OUT", "SING")
    stored = [row(1, TOO_MANY.model_dump_json()), row(2, STOP.model_dump_json()), row(3, later), row(4, None)]
    assert [each.rule_id for each in versioned_rules(stored)] == [2]
    rules = rule_set(stored)
    assert rules.match("stop").kind == "opt_out"
    assert rules.match("hello").kind == "held"


def test_rules_that_can_all_be_read_leave_nothing_held() -> None:
    assert rule_set([row(2, STOP.model_dump_json())]).match("hello").kind == "none"
