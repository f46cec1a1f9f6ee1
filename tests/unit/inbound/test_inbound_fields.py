"""What a webhook's body is read as: a bad byte costs a character, never the opt-out."""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inbound.fields import _json_fields, each_of, read_fields
from services.inbound.limits import MAX_FORM_FIELDS, MAX_JSON_NAME
from services.inbound.responses import WebhookError

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


def refusal(content_type: str, body: bytes) -> tuple[int, str]:
    with pytest.raises(WebhookError) as caught:
        read_fields(content_type, body)
    return caught.value.status_code, caught.value.reason


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=200), max_size=20))
def test_a_form_is_read_as_it_was_written(fields: dict[str, str]) -> None:
    written = {name or "x": value.replace("\0", "0") for name, value in fields.items()}
    written = {name.replace("\0", "0"): value for name, value in written.items()}
    assert read_fields(FORM, urlencode(written).encode()) == written


@given(st.binary(max_size=300).map(lambda raw: b"body=" + raw))
def test_any_bytes_in_a_form_are_read_as_the_standard_library_reads_them(body: bytes) -> None:
    text = body.decode(errors="replace")
    expected = dict(parse_qsl(text, keep_blank_values=True, errors="replace"))
    found = read_fields(FORM, body)
    assert {name: found[name] for name in expected} == {
        name: value.replace("\0", "\ufffd") for name, value in expected.items()
    }


@given(st.text("a=&+%4e1;é\x85 \0", max_size=40), st.sampled_from(["", "cp1252"]))
def test_any_form_is_read_as_the_standard_library_reads_it(text: str, charset: str) -> None:
    body = text.encode(charset or "utf-8", errors="replace")
    expected = dict(parse_qsl(body.decode(charset or "utf-8", errors="replace"), keep_blank_values=True,
                              encoding=charset or "utf-8", errors="replace"))  # fmt: skip
    found = read_fields(f"{FORM}; charset={charset}" if charset else FORM, body)
    assert found == {name: value.replace("\0", "\ufffd") for name, value in expected.items()}


@given(st.text('{}[]":,\\u0d8cF1.-eE+ntrfalsN\t\0é', max_size=40))
def test_any_json_is_read_as_the_standard_library_reads_it(text: str) -> None:
    body = f'{{"x":"y","v":{text}}}'.encode()
    try:
        expected = _json_fields(json.loads(body))
    except ValueError:
        assert refusal(JSON, body) == (400, "not_json")
    else:
        assert read_fields(JSON, body) == expected


@given(st.dictionaries(st.text(max_size=MAX_JSON_NAME), st.text(), max_size=20))
def test_a_json_object_is_read_as_it_was_written(fields: dict[str, str]) -> None:
    found = read_fields(JSON, json.dumps(fields).encode())
    assert found == {name: value.replace("\0", "\ufffd") for name, value in fields.items()}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b"body=STOP%FF"),
        (FORM, b"body=STOP\xff"),
        (FORM, b"body=STOP%00"),
        (FORM, b"body=STOP\x00"),
        (JSON, b'{"body":"STOP\xff"}'),
        (JSON, b'{"body":"STOP\\u0000"}'),
        (JSON, b'{"body":"STOP\\ud800"}'),
        (JSON, b'\xef\xbb\xbf{"body":"STOP\\udfff"}'),
    ],
)
def test_a_byte_that_cannot_be_kept_costs_one_character(content_type: str, body: bytes) -> None:
    assert read_fields(content_type, body)["body"] == "STOP\ufffd"


@pytest.mark.parametrize("content_type", ["", FORM, f"{FORM}; charset=utf-8", "text/plain", "application/octet-stream"])
def test_json_is_json_whatever_it_is_called(content_type: str) -> None:
    assert read_fields(content_type, b' {"body": "STOP"}') == {"body": "STOP"}


@pytest.mark.parametrize("content_type", ["", FORM, f"{FORM}; charset=utf-8", "text/plain"])
def test_a_form_is_a_form_with_or_without_its_content_type(content_type: str) -> None:
    assert read_fields(content_type, b"from=%2B14155550100&body=STOP+now") == {
        "from": "+14155550100",
        "body": "STOP now",
    }


def test_numbers_are_text_what_is_nested_has_its_path_and_what_is_neither_counts_as_missing() -> None:
    body = b'{"timestamp": 1436174407, "a": 1.5, "b": true, "c": null, "d": [1], "e": {"f": [{"h": 1}]}, "g": "x"}'
    expected = {"timestamp": "1436174407", "a": "1.5", "g": "x", "d.0": "1", "e.f.0.h": "1"}
    assert read_fields(JSON, body) == expected


def test_each_object_of_a_list_has_fields_of_its_own_in_its_order() -> None:
    body = json.dumps({"to": [{"n": number} for number in range(12)], "to.x": "no index"}).encode()
    assert [fields["n"] for fields in each_of(read_fields(JSON, body), "to")] == [str(n) for n in range(12)]


@pytest.mark.parametrize(
    "found",
    [{"n" * 65: "1"}, {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": 1}}}}}}}}}, {"a": [[[[[[[[1]]]]]]]]}],
)
def test_what_is_named_too_long_or_nested_too_deeply_counts_as_missing(found: dict[str, Any]) -> None:
    assert read_fields(JSON, json.dumps({**found, "x": 1}).encode()) == {"x": "1"}


def test_json_with_too_many_values_is_refused() -> None:
    with pytest.raises(WebhookError, match="too_many_fields"):
        read_fields(JSON, json.dumps([[0] * 100] * 120).encode().join((b'{"a":', b"}")))


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        (JSON, b"", (400, "not_json")),
        (JSON, b"from=1&body=STOP", (400, "not_json")),
        (JSON, b'{"body": "STOP"', (400, "not_json")),
        (JSON, b"[" * 60_000, (400, "not_json")),
        (JSON, b'{"n": ' + b"9" * 5000 + b"}", (400, "not_json")),
        (JSON, b"\xff\xfe{\x00}\x00", (400, "invalid_utf8")),
        (JSON, b'["STOP"]', (400, "not_an_object")),
        (JSON, b'"STOP"', (400, "not_an_object")),
        (FORM, b"&" * MAX_FORM_FIELDS, (400, "not_a_form")),
        ("multipart/form-data; boundary=x", b"--x\r\n", (415, "unsupported_media_type")),
        ("application/xml", b"<body>STOP</body>", (415, "unsupported_media_type")),
    ],
)
def test_a_body_that_is_neither_a_form_nor_a_json_object_is_refused(
    content_type: str, body: bytes, expected: tuple[int, str]
) -> None:
    assert refusal(content_type, body) == expected


def multipart(*parts: str, boundary: str = "-Ab9", end: str = "--") -> bytes:
    """Return a body made by hand, of parts as `name="a"\\r\\n\\r\\nvalue`."""
    each = "".join(f"--{boundary}\r\nContent-Disposition: form-data; {part}\r\n" for part in parts)
    return f"{each}--{boundary}{end}\r\n".encode("latin-1")


MULTIPART = "multipart/form-data; boundary=-Ab9"
FROM, STOP = 'name="from"\r\n\r\n+14155550100', 'name="body"\r\n\r\nSTOP now'


@pytest.mark.parametrize("content_type", [MULTIPART, 'Multipart/Form-Data; charset=utf-8; boundary="-Ab9"'])
def test_a_multipart_form_is_a_form(content_type: str) -> None:
    found = read_fields(content_type, multipart(FROM, STOP), multipart=True)
    assert found == {"from": "+14155550100", "body": "STOP now"}


def test_files_of_a_multipart_form_are_passed_over() -> None:
    picture = 'name="media"; filename="cat.jpg"\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\x00'
    assert read_fields(MULTIPART, multipart(FROM, picture), multipart=True) == {"from": "+14155550100"}


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ('name="body"\r\n\r\narr\xeat', "arr\ufffdt"),
        ('name="body"\r\nContent-Type: text/plain; charset=ISO-8859-1\r\n\r\narr\xeat', "arr\xeat"),
        ('name="_charset_"\r\n\r\niso-8859-1\r\n---Ab9\r\nContent-Disposition: form-data; name="body"\r\n\r\narr\xeat',
         "arr\xeat"),
        ('name="body"\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n+AGA-', "+AGA-"),
        ('name="body"\r\n\r\nST\x00OP', "ST\ufffdOP"),
    ],
)  # fmt: skip
def test_a_part_is_read_in_the_charset_that_it_names(part: str, text: str) -> None:
    assert read_fields(MULTIPART, multipart(part), multipart=True)["body"] == text


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", multipart(STOP)),
        ("multipart/form-data; boundary=" + "x" * 300, multipart(STOP)),
        (MULTIPART, multipart(STOP, end="")),
        (MULTIPART, multipart(STOP)[:-20]),
        (MULTIPART, b""),
        (MULTIPART, b"from=%2B14155550100&body=STOP"),
        (MULTIPART, multipart(*[STOP] * (MAX_FORM_FIELDS + 1))),
        (MULTIPART, multipart(*[f'name="f{n}"; filename="f"\r\n\r\n' for n in range(MAX_FORM_FIELDS + 1)])),
        (MULTIPART, multipart('name="body"\r\n' + "X-A: b\r\n" * 20 + "\r\nSTOP")),
        (MULTIPART, multipart('name="body"\r\nX-A: ' + "b" * 5000 + "\r\n\r\nSTOP")),
    ],
)
def test_a_multipart_form_that_is_none_or_too_much_is_refused(content_type: str, body: bytes) -> None:
    with pytest.raises(WebhookError) as caught:
        read_fields(content_type, body, multipart=True)
    assert (caught.value.status_code, caught.value.reason) == (400, "not_a_form")


@given(st.binary(max_size=400))
def test_any_bytes_as_a_multipart_form_are_read_or_refused(body: bytes) -> None:
    with suppress(WebhookError):
        read_fields(MULTIPART, b"---Ab9\r\n" + body, multipart=True)


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        (f"{FORM}; charset=ISO-8859-1", b"body=arr%EAt+%80", "arr\xeat \u20ac"),
        (f"{FORM}; charset=ISO-8859-1", b"body=arr\xeat", "arr\xeat"),
        (f"{FORM}; charset=ISO-8859-1", b"body=%81\x81%00", "\ufffd\ufffd\ufffd"),
        (f'{FORM}; charset="windows-1252"', b"body=arr%EAt", "arr\xeat"),
        (f"{FORM}; charset=iso-8859-15", b"body=%A4", "\u20ac"),
        (FORM, b"_charset_=iso-8859-1&body=arr%EAt", "arr\xeat"),
        (FORM, b"_charset_=utf-8&body=arr%C3%AAt", "arr\xeat"),
        (f"{FORM}; charset=UTF-16", b"body=STOP", "STOP"),
        (f"{FORM}; charset=no-such", b"body=STOP", "STOP"),
    ],
)
def test_a_form_is_read_in_the_charset_that_it_names(content_type: str, body: bytes, text: str) -> None:
    assert read_fields(content_type, body)["body"] == text
