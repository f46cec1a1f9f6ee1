"""Calls to the customer API and to the sandbox: JSON, with a deadline, and errors that say what the other side said."""

import json
from typing import Any, Self

import aiohttp

from harness.phones.limits import LONG_POLL_SECONDS, REQUEST_SECONDS
from shared.errors import TransientError

JsonAnswer = dict[str, Any]
_MAX_ERROR_CHARACTERS = 300


class CallRefusedError(TransientError):
    """The other side refused the request: `status` is of its response, the text is its own."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class JsonClient:
    """A client of one address, to be used as an async context manager; `headers` go with every call."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        self._url = url.rstrip("/")
        self._headers = headers or {}
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        self._http = aiohttp.ClientSession(timeout=timeout, headers=self._headers)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._http is not None:
            await self._http.close()

    async def call(self, method: str, path: str, body: JsonAnswer | None = None, **options: Any) -> JsonAnswer:
        """Return the response's JSON.

        Raises:
            CallRefusedError: it was refused.
            TransientError: nothing answers.
        """
        if self._http is None:
            raise RuntimeError("the client was not opened")
        if body is not None:
            options["json"] = body
        try:
            async with self._http.request(method, f"{self._url}{path}", **options) as answer:
                if answer.status >= 400:  # noqa: PLR2004 (HTTP: an error)
                    raise CallRefusedError(answer.status, _message(await answer.text()))
                found: JsonAnswer = await answer.json() if answer.status != 204 else {}  # noqa: PLR2004 (HTTP: no content)
                return found
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise TransientError(f"{method} {path}: {error or type(error).__name__}") from error

    async def long_poll(self, path: str, after: int) -> JsonAnswer:
        """Return a page of a journal from number `after` on, once it has more than that."""
        query = {"after": str(after), "at_least": str(after + 1), "timeout_seconds": f"{LONG_POLL_SECONDS:g}"}
        timeout = aiohttp.ClientTimeout(total=LONG_POLL_SECONDS + REQUEST_SECONDS)
        return await self.call("GET", path, params=query, timeout=timeout)


def _message(text: str) -> str:
    """Return what an error says, in the envelope of the API and of the sandbox, or as it is."""
    try:
        return str(json.loads(text)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return text[:_MAX_ERROR_CHARACTERS] or "the request was refused without a word"
