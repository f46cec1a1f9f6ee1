"""No phone number is in a log, however it is written; what is not one stays readable."""

import io
import json
import logging
import subprocess
import sys

import pytest

from shared.masking import masked, masked_value
from shared.telemetry import JsonFormatter

DIGITS = "61491570156"
SPELLINGS = [
    f"+{DIGITS}",
    DIGITS,
    f"00{DIGITS}",
    "0491 570 156",
    "0491570156",
    "+61 491 570 156",
    "(04) 9157-0156",
    "+61-491-570-156",
    f"%2B{DIGITS}",
    f"tel:+{DIGITS};ext=5",
    "4915701",
    "+1 (415) 555-0100",
    "٠٤٩١٥٧٠١٥٦",
    "+61 491\u2011570\u2011156",
    "+61\u2009491\u2009570\u2009156",
]


@pytest.mark.parametrize("written", SPELLINGS)
@pytest.mark.parametrize(
    "text", ["{}", "a reply of {}: no", "to={}&from=x", "/v1/numbers/{}?x=1", "('{}',)", '{{"phone": "{}"}}', "{}, {}"]
)
def test_a_number_is_masked_wherever_it_is_written(written: str, text: str) -> None:
    said = masked(text.replace("{{", "{").replace("}}", "}").replace("{}", written))
    assert written.removeprefix("tel:").partition(";")[0] not in said
    assert "*" in said


@pytest.mark.parametrize(
    "text",
    [
        f"?next=%2Fnumbers%2F{DIGITS}",
        f"phone%3D{DIGITS}",
        repr(f"STOP\n{DIGITS}"),
        repr(f"\x00{DIGITS}\t{DIGITS}".encode()),
        f"+{DIGITS}STOP",
        f"+61 491 570 156x22 or {DIGITS}ext5",
        f"{DIGITS}{DIGITS}",
    ],
)
def test_a_number_is_masked_whatever_is_right_beside_it(text: str) -> None:
    said = masked(text)
    assert DIGITS[2:] not in said, said
    assert "156x" not in said, said
    assert "*" in said


@pytest.mark.parametrize(
    "text",
    [
        "inbound-messages partition 3 at offset 123456789012",
        "offsets 123456789 to 123456999 were deleted undecided",
        "2026-11-24T11:13:00.000000Z",
        "event 6f1dc7c5-5c0e-5d58-9a55-7a1b4a3f0a11",
        "event 12345678-1234-1234-1234-123456789012",
        "Kafka at 10.20.30.40:9092 does not answer",
        "the value has 16777216 bytes; the limit is 262144",
        "the suppression cache is ready: 1000000 keys",
        "sender number 12345 of acme",
        "STOPLINE_HTTP_PORT 8081, 200 and 503",
        "digest 00f1e2d3c4b5a69788796a5b4c3d2e1f",
    ],
)
def test_what_is_not_a_number_stays_readable(text: str) -> None:
    assert masked(text) == text


def _line(message: str, *arguments: object, **more: object) -> str:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter("test"))
    logger = logging.getLogger("masked")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        logger.error(message, *arguments, **more)  # type: ignore[arg-type]
    finally:
        logger.removeHandler(handler)
    return written.getvalue()


def _fail() -> None:
    try:
        {}["0491 570 156"]
    except KeyError as cause:
        raise ValueError(f"Key (phone)=({DIGITS}) already exists") from cause


def test_a_number_inside_an_exception_its_cause_and_fields_is_masked() -> None:
    try:
        _fail()
    except ValueError as error:
        line = _line(
            "failed: %r", error, exc_info=True, extra={"fields": {"who": {"phones": [f"+{DIGITS}"]}, "offset": 4}}
        )
    assert DIGITS not in line
    assert "0491 570 156" not in line
    assert json.loads(line)["offset"] == 4
    assert "KeyError" in json.loads(line)["exception"]


def test_fields_nested_without_end_are_written_all_the_same() -> None:
    endless: dict[str, object] = {"phone": DIGITS}
    endless["again"] = endless
    assert DIGITS not in json.dumps(masked_value(endless))


def test_what_ends_a_process_or_a_thread_is_in_the_log_and_masked() -> None:
    code = (
        "import threading; from shared.telemetry import configure_logging; configure_logging('x', 'INFO')\n"
        f"def fail(): raise ValueError('+{DIGITS}')\n"
        "thread = threading.Thread(target=fail); thread.start(); thread.join(); fail()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["level"] for line in lines] == ["CRITICAL", "CRITICAL"]
    assert DIGITS not in done.stderr
