"""What the generic carrier's answers mean: every answer but a 429 is an outcome, and nothing is called again."""

from collections.abc import Mapping

import pytest

from services.sender.carriers.carrier import Accepted, Blocked, CallResult, CarrierResponse, Refused, Throttled, Unknown
from services.sender.carriers.generic import GenericAdapter
from services.sender.carriers.responses import MAX_PAUSE_SECONDS


def call_result_of(status: int, headers: Mapping[str, str], body: bytes) -> CallResult:
    return GenericAdapter.model_construct().result_of(CarrierResponse(status, headers, body))


def test_the_carriers_own_id_says_that_it_has_the_message() -> None:
    assert call_result_of(200, {}, b'{"carrier_message_id": "c-1"}') == Accepted("c-1")


@pytest.mark.parametrize("body", [b"", b"OK", b"[]", b'"c-1"', b"{}", b'{"carrier_message_id": null}', b"\xff"])
def test_a_200_without_an_id_leaves_the_outcome_open(body: bytes) -> None:
    assert isinstance(call_result_of(200, {}, body), Unknown)


def test_a_4xx_is_final_and_keeps_the_carriers_words() -> None:
    answer = call_result_of(422, {}, b'{"error": {"code": "bad_number", "message": "is a landline"}}')
    assert answer == Refused("422 bad_number: is a landline")


def test_an_opt_out_that_the_carrier_has_is_a_block() -> None:
    answer = call_result_of(403, {}, b'{"error": {"code": "opted_out", "message": "texted STOP"}}')
    assert answer == Blocked("opted_out", "texted STOP")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": "no"}', b"\xff"])
def test_a_4xx_in_another_format_is_final_too(body: bytes) -> None:
    assert call_result_of(400, {}, body) == Refused("400")


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599, 301, 307, 204, 102, 999])
def test_anything_else_leaves_the_outcome_open(status: int) -> None:
    assert isinstance(call_result_of(status, {}, b'{"carrier_message_id": "c-1"}'), Unknown)


def test_a_429_says_that_nothing_was_taken() -> None:
    answer = call_result_of(429, {"Retry-After": "3"}, b'{"error": {"code": "slow_down", "message": "10 per second"}}')
    assert answer == Throttled("429 slow_down: 10 per second", 3)


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_a_carrier_that_takes_nothing_now_gets_a_pause(status: int) -> None:
    assert call_result_of(status, {}, b"").pause_seconds > 0


def test_the_pause_is_as_long_as_the_carrier_asks_within_reason() -> None:
    assert call_result_of(429, {"Retry-After": "7"}, b"").pause_seconds == 7
    assert call_result_of(429, {"Retry-After": "86400"}, b"").pause_seconds == MAX_PAUSE_SECONDS
    assert call_result_of(429, {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, b"").pause_seconds == 1


def test_other_answers_ask_for_no_pause() -> None:
    assert call_result_of(422, {"Retry-After": "7"}, b"").pause_seconds == 0
