"""An async client of the sandbox carrier, for tests, the story and the command line."""

import time
from collections.abc import Callable
from typing import Any, Final, Self
from urllib.parse import quote

import httpx

from harness.certificates import certificates
from shared.errors import TransientError

_REQUEST_SECONDS = 25.0
_LONGEST_POLL_SECONDS = 30.0
_MARGIN_SECONDS = 10.0

Json = dict[str, Any]


class SandboxError(TransientError):
    """The sandbox refused the request, did not answer, or nothing arrived in time; the text says which."""


class _Default:
    """A default: the sandbox takes the value from the last message on the phone. `None` means no value."""


LAST: Final = _Default()


class SandboxClient:
    """A client of the sandbox, to be used as an async context manager. Every method may raise `SandboxError`."""

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(verify=certificates(), base_url=url, timeout=_REQUEST_SECONDS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def register_account(self, account_id: str, *, webhook_url: str, receipt_url: str | None = None) -> None:
        """Set the URLs to which replies to the account, and receipts for its messages, are posted."""
        urls = {"webhook_url": webhook_url, "receipt_url": receipt_url}
        await self._ask("PUT", f"/accounts/{account_id}", json=urls)

    async def set_faults(self, **faults: Any) -> Json:
        """Switch these faults on and all others off; see `harness.sandbox.faults.Faults`."""
        return await self._ask("PUT", "/faults", json=faults)

    async def faults(self) -> Json:
        return await self._ask("GET", "/faults")

    async def messages(self, phone: str) -> list[Json]:
        """Return the messages on the phone, oldest first."""
        found: list[Json] = (await self._ask("GET", f"{_path(phone)}/messages"))["messages"]
        return found

    async def phones(self) -> list[Json]:
        """Return the phones that received messages, those with the newest message first, with counts."""
        found: list[Json] = (await self._ask("GET", "/phones"))["phones"]
        return found

    async def reply(  # noqa: PLR0913 (the fields of a reply)
        self,
        phone: str,
        body: str,
        *,
        to: str | None = None,
        in_reply_to: str | _Default | None = LAST,
        account_id: str | None = None,
        message_id: str | None = None,
        timestamp: int | None = None,
        pointer: bool = True,
    ) -> Json:
        """Reply; return `status_code`, `response` and `answered_at` of the first attempt, and the posted `form`.

        Where no answer came, `status_code` and `answered_at` are None and `response` says why. While the webhook is
        late, all three are None.
        """
        given = {"to": to, "account_id": account_id, "message_id": message_id, "timestamp": timestamp}
        asked: Json = {"body": body, "pointer": pointer}
        asked |= {name: value for name, value in given.items() if value is not None}
        if not isinstance(in_reply_to, _Default):
            asked["in_reply_to"] = in_reply_to
        return await self._ask("POST", f"{_path(phone)}/replies", json=asked)

    async def calls(self, account_id: str | None = None) -> list[Json]:
        """Return the remembered calls of all accounts, or of one, oldest first."""
        return await self._pages("calls", account_id)

    async def webhooks(self, account_id: str | None = None) -> list[Json]:
        """Return the attempts to post webhooks of all accounts, or of one, in the order in which they ended."""
        return await self._pages("webhooks", account_id)

    async def wait_for_message(
        self, phone: str, predicate: Callable[[Json], bool] = lambda _: True, timeout_seconds: float = 10.0
    ) -> Json:
        """Return the oldest message on the phone for which `predicate` is true, as soon as there is one."""
        deadline = time.monotonic() + timeout_seconds
        found = await self._ask("GET", f"{_path(phone)}/messages")
        while True:
            message = next(filter(predicate, found["messages"]), None)
            if message is not None:
                return dict(message)
            left = deadline - time.monotonic()
            if left <= 0:
                bodies = [message["body"] for message in found["messages"]]
                raise SandboxError(f"{phone}: no such message in {timeout_seconds:g} s; on the phone: {bodies[-5:]}")
            found = await self._wait(f"{_path(phone)}/messages", found["total"] + 1, left)

    async def wait_for_webhooks(
        self, predicate: Callable[[list[Json]], bool], timeout_seconds: float = 10.0
    ) -> list[Json]:
        """Return all attempts as soon as `predicate` is true for them."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            total = (await self._ask("GET", "/webhooks", params={"limit": 0}))["total"]
            attempts = await self.webhooks()
            if predicate(attempts):
                return attempts
            left = deadline - time.monotonic()
            if left <= 0:
                raise SandboxError(f"no such webhooks in {timeout_seconds:g} s; attempts: {attempts[-5:]}")
            await self._wait("/webhooks", total + 1, left, limit=0)

    async def forget(self) -> None:
        """Forget the messages, calls and webhooks of all accounts."""
        for kept in ("phones", "calls", "webhooks"):
            await self._ask("DELETE", f"/{kept}")

    async def _pages(self, name: str, account_id: str | None) -> list[Json]:
        found: list[Json] = []
        after: int | None = 0
        while after is not None:
            page = await self._ask("GET", f"/{name}", params={"after": after})
            found += [entry for entry in page[name] if account_id in (None, entry["account_id"])]
            after = page["next"]
        return found

    async def _wait(self, path: str, at_least: int, seconds: float, **query: Any) -> Json:
        timeout = min(seconds, _LONGEST_POLL_SECONDS)
        return await self._ask(
            "GET",
            path,
            params={"at_least": at_least, "timeout_seconds": f"{timeout:.3f}", **query},
            timeout=timeout + _MARGIN_SECONDS,
        )

    async def _ask(self, method: str, path: str, **options: Any) -> Json:
        try:
            answer = await self._http.request(method, path, **options)
        except httpx.TransportError as error:
            raise SandboxError(f"{method} {path}: {type(error).__name__} {error}") from error
        if answer.is_error:
            raise SandboxError(f"{method} {path}: {answer.status_code} {answer.text}")
        body: Json = answer.json() if answer.content else {}
        return body


def _path(phone: str) -> str:
    return f"/phones/{quote(phone, safe='')}"
