"""The histories of ClickSend and Twilio, by stubs that answer as their documents say: pages, pauses, refusals."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from audited import OURS, Audited, audit

PHONE = "+14155550123"
SID = "AC" + "0" * 32
BEFORE, STOPPED, AFTER = 1_772_359_200, 1_772_362_800, 1_772_366_400
SPAN = ("--since", "2026-02-01", "--until", "2026-03-31")
Answer = tuple[int, dict[str, Any]]
Answering = Callable[[str, dict[str, str]], Answer]


class Stub:
    """A gateway's API: `answer` says what each path and query get; `seen` are the requests, with their headers."""

    def __init__(self, answer: Answering) -> None:
        self.seen: list[tuple[str, str, dict[str, str], str]] = []
        self.answer = answer
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                url = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(url.query).items()}
                stub.seen.append((self.command, url.path, query, self.headers.get("Authorization", "")))
                status, body = stub.answer(url.path, query)
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Retry-After", "0")
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815 (names of the library)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Answering], Stub]]:
    stubs: list[Stub] = []
    monkeypatch.setenv("CLICKSEND_USERNAME", "shop")
    monkeypatch.setenv("CLICKSEND_API_KEY", "key-of-clicksend")
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", SID)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "token-of-twilio")
    monkeypatch.setattr("harness.audit.sources.listed_history._FAILED_SECONDS", (0.0, 0.0))

    def start(answer: Answering) -> Stub:
        stubs.append(Stub(answer))
        return stubs[-1]

    yield start
    for each in stubs:
        each.server.shutdown()
        each.server.server_close()


def clicksend_page(rows: list[dict[str, Any]], page: int, last: int) -> Answer:
    data = {
        "total": 3, "per_page": 100, "current_page": page, "last_page": last, "next_page_url": None,
        "prev_page_url": None, "from": 1, "to": len(rows), "data": rows,
    }  # fmt: skip
    return 200, {"http_code": 200, "response_code": "SUCCESS", "response_msg": "Here are your data.", "data": data}


def clicksend_sent(at: int, id_: str) -> dict[str, Any]:
    return {
        "direction": "out", "date": at, "to": PHONE, "body": "Sale. Reply STOP to opt out", "status": "Completed",
        "from": OURS, "schedule": "", "status_code": "201", "status_text": "Success: Message received on handset.",
        "error_code": None, "error_text": None, "message_id": id_, "message_parts": 1, "message_price": "0.0400",
        "from_email": None, "list_id": "428", "custom_string": "", "contact_id": "9", "user_id": 1, "subaccount_id": 2,
        "country": "US", "carrier": "x", "first_name": None, "last_name": None, "_api_username": "shop",
    }  # fmt: skip


CLICKSEND_REPLY = {
    "timestamp": STOPPED, "from": PHONE, "body": "Stop", "original_body": "Sale. Reply STOP to opt out",
    "original_message_id": "A", "to": OURS, "custom_string": "", "message_id": "R", "_keyword": "",
}  # fmt: skip


def clicksend_answers(path: str, query: dict[str, str]) -> Answer:
    if path == "/v3/sms/history":
        page = int(query["page"])
        return clicksend_page([clicksend_sent(*((BEFORE, "A"), (AFTER, "B"))[page - 1])], page, 2)
    assert path == "/v3/sms/inbound"
    return clicksend_page([CLICKSEND_REPLY], 1, 1)


def busy_at_first(answer: Answering) -> Answering:
    answered: list[str] = []

    def answers(path: str, query: dict[str, str]) -> Answer:
        key = f"{path}{sorted(query.items())}"
        if answered.count(key) < 2:
            answered.append(key)
            return 429, {"http_code": 429, "response_code": "TOO_MANY_REQUESTS", "data": None}
        return answer(path, query)

    return answers


def audited(folder: Path, gateway: str, url: str) -> Audited:
    return audit(folder, gateway, "--api-url", url, *SPAN)


def test_clicksends_history_is_read_page_by_page_and_nothing_is_changed_there(
    stub: Callable[[Answering], Stub], tmp_path: Path
) -> None:
    gateway = stub(busy_at_first(clicksend_answers))
    found = audited(tmp_path, "--clicksend", gateway.url)
    (finding,) = found.findings
    assert (finding["message_id"], finding["list"], finding["attribution"]) == ("B", "428", "replied_message")
    assert found.code == 1
    assert {method for method, *_ in gateway.seen} == {"GET"}
    assert {path for _, path, *_ in gateway.seen} == {"/v3/sms/history", "/v3/sms/inbound"}
    login = base64.b64encode(b"shop:key-of-clicksend").decode()
    assert {authorization for *_, authorization in gateway.seen} == {f"Basic {login}"}
    assert gateway.seen[0][2]["date_from"] == "1769904000"


def twilio_message(sid: str, direction: str, at: str, body: str) -> dict[str, Any]:
    ours, theirs = ("to", "from") if direction == "inbound" else ("from", "to")
    return {
        "body": body, "num_segments": "1", "direction": direction, ours: OURS, theirs: PHONE, "date_updated": at,
        "price": "-0.00750", "error_message": None, "uri": f"/2010-04-01/Accounts/{SID}/Messages/{sid}.json",
        "account_sid": SID, "num_media": "0", "status": "received" if direction == "inbound" else "delivered",
        "messaging_service_sid": None, "sid": sid, "date_sent": at, "date_created": at, "error_code": None,
        "price_unit": "USD", "api_version": "2010-04-01", "subresource_uris": {},
    }  # fmt: skip


def twilio_answers(path: str, query: dict[str, str]) -> Answer:
    assert path == f"/2010-04-01/Accounts/{SID}/Messages.json"
    newest = [
        twilio_message("SM3", "outbound-api", "Sun, 01 Mar 2026 12:00:00 +0000", "Sale again"),
        {**twilio_message("SM4", "inbound", "Sun, 01 Mar 2026 11:30:00 +0000", "hi"), "from": f"whatsapp:{PHONE}"},
    ]
    oldest = [
        twilio_message("SM2", "inbound", "Sun, 01 Mar 2026 11:00:00 +0000", "Please STOP"),
        twilio_message("SM1", "outbound-api", "Sun, 01 Mar 2026 10:00:00 +0000", "Sale. Reply STOP to opt out"),
    ]
    is_first = "Page" not in query
    following = f"{path}?PageSize=1000&Page=1&PageToken=PASM2" if is_first else None
    page = {"first_page_uri": path, "end": 1, "previous_page_uri": None, "page_size": 1000, "page": 0, "start": 0}
    return 200, {**page, "messages": newest if is_first else oldest, "uri": path, "next_page_uri": following}


def test_twilios_history_is_read_page_by_page_and_nothing_is_changed_there(
    stub: Callable[[Answering], Stub], tmp_path: Path
) -> None:
    gateway = stub(busy_at_first(twilio_answers))
    found = audited(tmp_path, "--twilio", gateway.url)
    assert [(each["message_id"], each["reply"]) for each in found.findings] == [("SM3", "Please STOP")]
    assert (found.summary["messages"], found.summary["replies"], found.code) == (2, 1, 1)
    assert {method for method, *_ in gateway.seen} == {"GET"}
    assert (gateway.seen[0][2]["DateSent>"], gateway.seen[0][2]["DateSent<"]) == ("2026-02-01", "2026-04-01")


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ((401, {"http_code": 401, "response_code": "UNAUTHORIZED"}), 78, "the gateway refuses the credentials"),
        ((404, {"http_code": 404}), 78, "answered 404"),
        ((500, {"http_code": 500}), 75, "nothing was changed: try again"),
        ((200, {"data": None}), 75, "no list of objects"),
        ((429, {"http_code": 429}), 75, "asks for pauses again and again"),
    ],
)
def test_a_gateway_that_does_not_answer_is_an_error_and_no_empty_history(  # noqa: PLR0913, PLR0917 (fixtures)
    answer: Answer,
    code: int,
    said: str,
    stub: Callable[[Answering], Stub],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gateway = stub(lambda _path, _query: answer)
    assert audited(tmp_path, "--clicksend", gateway.url).code == code
    written = capsys.readouterr().err
    assert said in written
    assert "key-of-clicksend" not in written
    assert not (tmp_path / "report").exists()
