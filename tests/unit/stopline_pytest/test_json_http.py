import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from stopline_pytest import StoplineError
from stopline_pytest.json_http import JsonHttp

_ANSWERS = {"/json": (200, b'{"found": true}'), "/page": (200, b"<html>Welcome</html>"), "/elsewhere": (302, b"")}


class Answers(BaseHTTPRequestHandler):
    """A server that has an answer for each path."""

    def do_GET(self) -> None:
        status, body = _ANSWERS[self.path]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def client() -> Iterator[JsonHttp]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        with JsonHttp("customer API", f"http://127.0.0.1:{server.server_port}", token="t") as opened:  # noqa: S106
            yield opened
        server.shutdown()
        thread.join()


@pytest.fixture
def _with_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("_with_a_proxy")
def test_a_stack_on_this_machine_is_reached_without_the_proxy_which_would_see_the_token(client: JsonHttp) -> None:
    assert client.ask("GET", "/json") == {"found": True}


@pytest.mark.parametrize("path", ["/page", "/elsewhere"])
def test_an_address_of_something_else_is_an_error_that_names_it(client: JsonHttp, path: str) -> None:
    with pytest.raises(StoplineError, match=f"customer API: GET {path}: "):
        client.ask("GET", path)
