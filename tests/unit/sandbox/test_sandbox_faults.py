"""The decision what becomes of a call, and what a set of faults may say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.sandbox.faults import FaultEffect, Faults, effect_on_a_call

PHONE = "+14155550100"
ANOTHER = "+14155550101"


def never_asked() -> float:
    raise AssertionError("no rate is above zero")


def always() -> float:
    return 0.0


def test_without_faults_every_call_reaches_the_phone_and_is_answered_200() -> None:
    assert effect_on_a_call(Faults(), never_asked) == FaultEffect(reaches_phone=True, status=200)


@pytest.mark.parametrize(
    ("faults", "effect"),
    [
        (Faults(error_rate=1, error_status=503), FaultEffect(reaches_phone=False, status=503)),
        (Faults(error_rate=1, deliver_before_error=True), FaultEffect(reaches_phone=True, status=500)),
        (Faults(drop_rate=1), FaultEffect(reaches_phone=False, status=None)),
        (Faults(drop_rate=1, drop_when="after"), FaultEffect(reaches_phone=True, status=None)),
        (Faults(undeliverable_rate=1), FaultEffect(reaches_phone=False, status=200)),
        (Faults(drop_rate=1, error_rate=1), FaultEffect(reaches_phone=False, status=None)),
    ],
)
def test_a_fault_that_always_strikes_decides_the_outcome(faults: Faults, effect: FaultEffect) -> None:
    assert effect_on_a_call(faults, always) == effect


@given(rate=st.floats(0, 1), roll=st.floats(0, 1, exclude_max=True))
def test_a_fault_strikes_exactly_below_its_rate(rate: float, roll: float) -> None:
    struck = effect_on_a_call(Faults(error_rate=rate), lambda: roll).status == 500
    assert struck == (roll < rate)


def test_faults_limited_to_phones_leave_the_others_alone() -> None:
    faults = Faults.model_validate({"phones": [PHONE], "error_rate": 1})
    assert faults.concerning(PHONE).error_rate == 1
    assert faults.concerning(ANOTHER) == Faults()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("latency_seconds", -1),
        ("latency_seconds", float("nan")),
        ("error_rate", 1.5),
        ("error_status", 200),
        ("drop_when", "during"),
        ("duplicate_webhooks", 1000),
        ("webhook_retries", -1),
        ("phones", ["nobody"]),
        ("no_such_fault", 1),
    ],
)
def test_a_fault_that_cannot_be_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        Faults.model_validate({field: value})
