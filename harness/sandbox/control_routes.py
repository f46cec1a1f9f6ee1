"""The interface for tests and operators: set faults and accounts, read every call and every webhook."""

from typing import Any, TypeVar

from aiohttp import web
from pydantic import TypeAdapter

from harness.sandbox.calls import Call
from harness.sandbox.faults import Faults
from harness.sandbox.gateway import WebhookAttempt
from harness.sandbox.journal import Journal
from harness.sandbox.json_http import page_of, read, wait_of
from harness.sandbox.limits import MAX_ACCOUNTS
from harness.sandbox.refusals import RequestRefusedError
from harness.sandbox.sandbox_state import AccountUrls, SandboxState
from shared.events.base import AccountId

EntryT = TypeVar("EntryT", Call, WebhookAttempt)
_account_ids: TypeAdapter[str] = TypeAdapter(AccountId)


class ControlRoutes:
    """The handlers of `/faults`, `/accounts`, `/calls`, `/webhooks` and `/health`."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    async def put_faults(self, request: web.Request) -> web.Response:
        """Set all faults; those left out are off."""
        self._state.faults = await read(request, Faults)
        return await self.get_faults(request)

    async def get_faults(self, _: web.Request) -> web.Response:
        return web.json_response(text=self._state.faults.model_dump_json())

    async def put_account(self, request: web.Request) -> web.Response:
        account_id = _account_ids.validate_python(request.match_info["account_id"])
        account = await read(request, AccountUrls)
        if len(self._state.accounts) >= MAX_ACCOUNTS and account_id not in self._state.accounts:
            raise RequestRefusedError(
                409, "too_many_accounts", f"there are {MAX_ACCOUNTS} accounts; restart the sandbox"
            )
        self._state.accounts[account_id] = account
        return web.json_response({"account_id": account_id, **account.model_dump()})

    async def calls(self, request: web.Request) -> web.Response:
        calls, page = await self._page(request, self._state.calls)
        return web.json_response({"calls": [call.as_call() for call in calls], **page})

    async def webhooks(self, request: web.Request) -> web.Response:
        attempts, page = await self._page(request, self._state.gateway.attempts)
        return web.json_response({"webhooks": [attempt.as_json() for attempt in attempts], **page})

    async def forget_calls(self, _: web.Request) -> web.Response:
        self._state.calls.clear()
        return web.Response(status=204)

    async def forget_webhooks(self, _: web.Request) -> web.Response:
        self._state.gateway.attempts.clear()
        return web.Response(status=204)

    async def health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": request.path.rsplit("/", 1)[1]})

    async def _page(self, request: web.Request, journal: Journal[EntryT]) -> tuple[list[EntryT], dict[str, Any]]:
        """Return up to `limit` entries from number `after` on; `next` is the next page's start, None at the end."""
        at_least, timeout_seconds = wait_of(request)
        if timeout_seconds:
            with self._state.waiting.one_more():
                await journal.wait(at_least, timeout_seconds)
        after, limit = page_of(request)
        entries = journal.entries(after, limit)
        following = max(after, journal.forgotten) + len(entries)
        page = {
            "next": following if following < journal.total else None,
            "total": journal.total,
            "forgotten": journal.forgotten,
        }
        return entries, page
