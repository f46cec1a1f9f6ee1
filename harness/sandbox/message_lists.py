"""The lists of messages that accounts can read at the gateway, as ClickSend has them: unread ones, once a rule is made.

`GET /v3/sms/inbound`, `PUT /v3/sms/inbound-read/{message_id}`, `GET` and `POST /v3/automations/sms/inbound`; the user
name is the account's id, the API key is the sandbox's token.
"""

import base64
import hmac
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from harness.sandbox.clicksend_forms import Form
from harness.sandbox.limits import MAX_UNREAD_MESSAGES
from harness.sandbox.refusals import RequestRefusedError

_FIELDS = ("from", "to", "body", "original_body", "original_message_id", "message_id", "custom_string", "_keyword")
_POLL = "POLL"
_LONGEST_PAGE = 100


@dataclass
class AccountMessages:
    """The rules of an account, and the messages that came under one with the action POLL and are unread."""

    rules: list[dict[str, Any]] = field(default_factory=list)
    unread: dict[str, Form] = field(default_factory=dict)

    def note(self, form: Form) -> None:
        """Note a reply, as far as a rule has it listed; of too many the oldest is forgotten."""
        if any(rule["action"] == _POLL for rule in self.rules):
            self.unread[form["message_id"]] = form
            if len(self.unread) > MAX_UNREAD_MESSAGES:
                del self.unread[next(iter(self.unread))]


MessageListsOfAccounts = defaultdict[str, AccountMessages]


class ListRoutes:
    """The handlers of `/v3`.

    Args:
        lists: of all accounts.
        token: the API key of all accounts.
    """

    def __init__(self, lists: MessageListsOfAccounts, token: str) -> None:
        self._lists = lists
        self._token = token

    async def inbound(self, request: web.Request) -> web.Response:
        """Return a page of unread messages, the oldest first."""
        forms = list(self._of(request).unread.values())
        rows = [{name: form[name] for name in _FIELDS} | {"timestamp": int(form["timestamp"])} for form in forms]
        return _page(request, rows)

    async def mark_read(self, request: web.Request) -> web.Response:
        self._of(request).unread.pop(request.match_info["message_id"], None)
        return _answer(None)

    async def rules(self, request: web.Request) -> web.Response:
        return _page(request, self._of(request).rules)

    async def make_rule(self, request: web.Request) -> web.Response:
        messages = self._of(request)
        rule = {"inbound_rule_id": len(messages.rules) + 1, **(await request.json())}
        messages.rules.append(rule)
        return _answer(rule)

    def _of(self, request: web.Request) -> AccountMessages:
        """Return what the account has.

        Raises:
            RequestRefusedError: the request has no right credentials.
        """
        kind, _, encoded = request.headers.get("Authorization", "").partition(" ")
        try:
            username, _, key = base64.b64decode(encoded if kind == "Basic" else "").decode().partition(":")
        except ValueError:
            username, key = "", ""
        if not username or not hmac.compare_digest(key.encode(), self._token.encode()):
            raise RequestRefusedError(401, "unauthorized", "send the account's id and the sandbox's token (RFC 7617)")
        return self._lists[username]


def _page(request: web.Request, rows: list[dict[str, Any]]) -> web.Response:
    page, limit = int(request.query.get("page", 1)), min(int(request.query.get("limit", 15)), _LONGEST_PAGE)
    some = rows[(page - 1) * limit : page * limit]
    last = max(1, -(-len(rows) // limit))
    return _answer({"total": len(rows), "per_page": limit, "current_page": page, "last_page": last, "data": some})


def _answer(data: object) -> web.Response:
    return web.json_response({"http_code": 200, "response_code": "SUCCESS", "response_msg": "", "data": data})
