"""The way of an account, or of the operator, into the API, for commands; with the standard library, as in the image."""

import json
import os
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, BinaryIO, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from shared.errors import MisconfiguredError, TransientError

_REQUEST_SECONDS = 15.0
_FILE_SECONDS = 600.0
_BLOCK_BYTES = 64 * 1024
_JSON = "application/json"


class ApiLogin(NamedTuple):
    """A login to the customer API. All calls raise the same.

    Raises:
        MisconfiguredError: the API refuses it, and says why.
        TransientError: the API cannot be reached.
    """

    url: str
    authorization: str

    def call(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the answer to a GET, or with a body to a POST."""
        data = None if body is None else json.dumps(body).encode()
        return self._json(path, data, {"Content-Type": _JSON}, _REQUEST_SECONDS)

    def send_file(self, path: str, file: BinaryIO, size_bytes: int, content_type: str) -> dict[str, Any]:
        """Return the answer to a POST of a file."""
        headers = {"Content-Type": content_type, "Content-Length": str(size_bytes)}
        return self._json(path, file, headers, _FILE_SECONDS)

    def blocks(self, address: str) -> Iterator[bytes]:
        """Yield the body of the answer to a GET of a path, or of a whole address of the API."""
        path = address.removeprefix(self.url) if "://" in address else address
        with closing(self._open(path, None, {}, _REQUEST_SECONDS)) as answer:
            while block := self._read(answer):
                yield block

    def pages(self, path: str, name: str, query: Mapping[str, str]) -> Iterator[list[dict[str, Any]]]:
        """Yield the items of each page of a list that goes on with `next`."""
        after: dict[str, str] = {}
        while True:
            page = self.call(f"{path}?{urlencode({**query, **after})}")
            yield page[name]
            if page.get("next") is None:
                return
            after = {"after": str(page["next"])}

    def _json(
        self, path: str, data: bytes | BinaryIO | None, headers: Mapping[str, str], seconds: float
    ) -> dict[str, Any]:
        with closing(self._open(path, data, headers, seconds)) as answer:
            try:
                found: dict[str, Any] = json.load(answer)
            except (OSError, ValueError) as error:
                raise self._unreachable(error) from None
        return found

    def _open(self, path: str, data: bytes | BinaryIO | None, headers: Mapping[str, str], seconds: float) -> Any:
        request = Request(f"{self.url}{path}", data, {**headers, "Authorization": self.authorization})  # noqa: S310 (the operator's own address)
        try:
            return urlopen(request, timeout=seconds)  # noqa: S310 (the same)
        except HTTPError as error:
            with error:
                raise MisconfiguredError(f"{error.code}: {_message(error)}") from None
        except (OSError, ValueError) as error:
            raise self._unreachable(error) from None

    def _read(self, answer: Any) -> bytes:
        try:
            block: bytes = answer.read(_BLOCK_BYTES)
        except OSError as error:
            raise self._unreachable(error) from None
        return block

    def _unreachable(self, error: Exception) -> TransientError:
        return TransientError(f"the customer API at {self.url}: {error}")


def _message(error: HTTPError) -> str:
    """Return what the API says, by the envelope of `/v1` or of `/v3`."""
    try:
        body = json.load(error)
        return str(body["error"]["message"] if "error" in body else body["response_msg"])
    except (OSError, ValueError, KeyError, TypeError):
        return error.reason


def account_api() -> ApiLogin:
    """Return the account that the environment names, else the demo account of the running stack.

    Raises:
        MisconfiguredError: the environment names a part of it, or no stack runs.
    """
    given = _given("API_URL", "ACCOUNT_ID", "API_KEY")
    if given:
        return ApiLogin(given[0], _basic(*given[1:]))
    from harness.cli.running_stack import running_stack

    book = running_stack()
    return ApiLogin(book.api_url, _basic(book.demo_account.account_id, book.demo_account.api_key))


def operator_api() -> ApiLogin:
    """Return the login of the operator that the environment names, else that of the running stack; raises the same."""
    given = _given("API_URL", "ADMIN_TOKEN")
    if given:
        return ApiLogin(given[0], f"Bearer {given[1]}")
    from harness.cli.running_stack import running_stack

    book = running_stack()
    return ApiLogin(book.api_url, f"Bearer {book.admin_token}")


def _given(*names: str) -> list[str]:
    """Return the settings; an empty list where none is set."""
    given = [os.environ.get(f"STOPLINE_{name}", "") for name in names]
    if any(given) and not all(given):
        raise MisconfiguredError(f"set all of {', '.join(f'STOPLINE_{name}' for name in names)}, or none of them")
    return [given[0].rstrip("/"), *given[1:]] if all(given) else []


def _basic(account_id: str, api_key: str) -> str:
    return f"Basic {b64encode(f'{account_id}:{api_key}'.encode()).decode()}"
