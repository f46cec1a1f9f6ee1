"""JSON over HTTP, with errors that show the request and what was answered."""

import time
from typing import Any, Self

import httpx

from stopline_pytest.errors import StoplineError

Json = dict[str, Any]

_REQUEST_SECONDS = 15.0
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_UNAVAILABLE = 503
_RETRY_SECONDS = 0.1
_MAX_SHOWN_CHARACTERS = 500


class JsonHttp:
    """A client of one of the stack's HTTP interfaces. It may be used by several threads."""

    def __init__(
        self, name: str, base_url: str, *, auth: tuple[str, str] | None = None, token: str | None = None
    ) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._name = name
        # What is on this machine is not asked for by way of a proxy, which would see the administrator's token.
        is_near = httpx.URL(base_url).host in _THIS_MACHINE
        self.http = httpx.Client(
            base_url=base_url, auth=auth, headers=headers, timeout=_REQUEST_SECONDS, trust_env=not is_near
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.http.close()

    def ask(self, method: str, path: str, **options: Any) -> Json:
        """Send a request and return the JSON that it is answered with.

        Raises:
            StoplineError: no answer, or one that is not 2xx.
        """
        return self._read(self._answer(method, path, **options))

    def ask_until_available(self, method: str, path: str, deadline: float, **options: Any) -> Json:
        """Do as `ask`, and repeat a request that is answered with 503 until `deadline` (of `time.monotonic`)."""
        while True:
            answer = self._answer(method, path, **options)
            if answer.status_code != _UNAVAILABLE or time.monotonic() >= deadline:
                return self._read(answer)
            time.sleep(_RETRY_SECONDS)

    def pages(self, path: str, name: str, **query: str) -> list[Json]:
        """Return the entries of all pages of a list of the customer API."""
        found: list[Json] = []
        while True:
            page = self.ask("GET", path, params=query)
            found += page[name]
            if page.get("next") is None:
                return found
            query["after"] = str(page["next"])

    def _read(self, answer: httpx.Response) -> Json:
        shown = f"{self._name}: {answer.request.method} {answer.request.url.path}: {answer.status_code}"
        if not answer.is_success:
            raise StoplineError(f"{shown} {answer.text}")
        try:
            return dict(answer.json()) if answer.content else {}
        except ValueError:
            text = answer.text[:_MAX_SHOWN_CHARACTERS]
            raise StoplineError(f"{shown} without JSON: is {self.http.base_url} the {self._name}? {text}") from None

    def _answer(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self.http.request(method, path, **options)
        except httpx.HTTPError as error:
            where = self.http.base_url
            raise StoplineError(f"{self._name} at {where}: {method} {path}: {type(error).__name__} {error}") from error
