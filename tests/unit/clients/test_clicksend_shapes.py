"""The judge of answers under `/v3` refuses what a typed client refuses, and nothing else."""

from typing import Any

import pytest
from clicksend_shapes import Call, answer_problems, call_of, calls, refusal_problems

LIST = {"list_id": 1, "list_name": "News", "_contacts_count": 0}


def judged(method: str, path: str, data: Any, **more: Any) -> list[str]:
    call = call_of(method, path)
    assert call is not None
    envelope = {"http_code": 200, "response_code": "SUCCESS", "response_msg": "Here you go."}
    return answer_problems(call, {**envelope, "data": data, **more})


def test_the_file_has_the_calls_of_the_document_and_those_of_the_first_generation() -> None:
    assert len(calls()) == len({(call.method, call.path) for call in calls()}) == 62 + 4
    assert [call.path for call in calls() if call.data is None] == ["/v3/search/contacts-lists", "/v3/uploads"]


@pytest.mark.parametrize(
    ("method", "path", "template"),
    [
        ("PUT", "/v3/lists/1/remove-duplicates", "/v3/lists/{list_id}/remove-duplicates/"),
        ("GET", "/v3/lists/", "/v3/lists"),
        ("PUT", "/v3/sms/inbound-read/", "/v3/sms/inbound-read"),
        ("PUT", "/v3/lists/1/contacts/2/copy/3", "/v3/lists/{from_list_id}/contacts/{contact_id}/copy/{to_list_id}"),
        ("GET", "/v3/sms/receipts/abc", "/v3/sms/receipts/{message_id}"),
    ],
)
def test_a_request_is_the_call_of_its_path(method: str, path: str, template: str) -> None:
    call = call_of(method, path)
    assert call is not None
    assert call.path == template


@pytest.mark.parametrize(("method", "path"), [("GET", "/v3/list"), ("PATCH", "/v3/lists"), ("GET", "/v1/lists")])
def test_a_call_that_clicksend_does_not_have_is_unknown(method: str, path: str) -> None:
    assert call_of(method, path) is None


@pytest.mark.parametrize("data", [LIST, {**LIST, "list_id": None}, {}, None])
def test_a_right_answer_a_missing_field_and_null_are_accepted(data: Any) -> None:
    assert judged("GET", "/v3/lists/1", data) == []


@pytest.mark.parametrize(
    ("method", "path", "data", "problem"),
    [
        ("GET", "/v3/lists/1", {**LIST, "kind": "contacts"}, "data.kind: no such field"),
        ("GET", "/v3/lists/1", {**LIST, "list_id": "1"}, "data.list_id: '1' is not int"),
        ("GET", "/v3/lists/1", {**LIST, "list_id": True}, "data.list_id: True is not int"),
        ("GET", "/v3/lists/1", {**LIST, "list_id": 1.0}, "data.list_id: 1.0 is not int"),
        ("GET", "/v3/lists/1", [LIST], f"data: {[LIST]} is not an object"),
        ("GET", "/v3/lists", {"data": [LIST, {"x": 1}]}, "data.data[1].x: no such field"),
        ("GET", "/v3/lists", {"data": LIST}, f"data.data: {LIST} is not a list"),
        ("GET", "/v3/lists/1/contacts", {"total": 1, "path": "/"}, "data.path: no such field"),
        ("DELETE", "/v3/lists/1", {"list_id": 1}, "data: {'list_id': 1} is not a list"),
        ("PUT", "/v3/sms/m/cancel", {}, "data: {} is not null"),
        ("DELETE", "/v3/subaccounts/1", 1, "data: 1 is not bool"),
        ("POST", "/v3/sms/send", {"messages": [{"message_price": 0}]}, "data.messages[0].message_price: 0 is not str"),
    ],
)
def test_another_field_or_another_type_is_refused(method: str, path: str, data: Any, problem: str) -> None:
    assert judged(method, path, data) == [problem]


def test_the_envelope_has_its_four_fields_and_no_other() -> None:
    assert judged("GET", "/v3/lists/1", None, token="0:1") == ["answer.token: no such field"]  # noqa: S106 (a position)
    call = Call("GET", "/v3/lists", None)
    names = ("data", "http_code", "response_code", "response_msg")
    assert answer_problems(call, {}) == [f"answer.{name} is missing" for name in names]
    assert answer_problems(call, []) == ["answer: [] is not an object"]
    assert judged("GET", "/v3/search/contacts-lists", {"any": "thing"}) == []


@pytest.mark.parametrize(
    ("status", "changed", "problem"),
    [
        (400, {}, None),
        (400, {"data": {"list_name": "Say a name."}}, None),
        (422, {}, "HTTP 422 is not documented"),
        (404, {}, "http_code is 400 in an answer with 404"),
        (400, {"data": [1]}, "data: [1] is not an object"),
    ],
)
def test_a_refusal_is_an_envelope_with_a_documented_status(
    status: int, changed: dict[str, Any], problem: str | None
) -> None:
    body = {"http_code": 400, "response_code": "BAD_REQUEST", "response_msg": "No.", "data": None, **changed}
    assert refusal_problems(status, body) == ([problem] if problem else [])
    assert refusal_problems(400, {"error": {}}) == ["answer: {'error': {}} is not an envelope"]
