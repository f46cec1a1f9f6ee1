"""Accounts: made by the operator, each with the rules that every account starts with."""

import secrets
from typing import Any

from fastapi import APIRouter, Request

from services.optout.api.context import Admin, Database, key_sha256
from services.optout.api.errors import ApiError
from services.optout.api.fields import Given, Name
from services.optout.api.guard import GuardedRoute
from services.optout.record.connection import Connection
from services.optout.rules import DEFAULT_RULES
from services.optout.webhooks.sign import signing_secret
from shared.events.base import AccountId
from shared.webhook_secrets import webhook_secret

API_KEY_BYTES = 32

# Adds an account; no row comes back where there is one with that id.
ADD_ACCOUNT = """
INSERT INTO accounts (account_id, name, api_key_sha256) VALUES ($1, $2, $3)
ON CONFLICT (account_id) DO NOTHING
RETURNING account_id
"""

# Gives an account its first rules, in the order in which they are tried.
ADD_RULES = """
INSERT INTO rules (account_id, definition)
SELECT $1, definition FROM unnest($2::jsonb[]) WITH ORDINALITY AS given (definition, place) ORDER BY place
"""

router = APIRouter(route_class=GuardedRoute)


class NewAccount(Given):
    account_id: AccountId
    name: Name


@router.post("/v1/accounts", status_code=201, dependencies=[Admin])
async def create_account(new: NewAccount, request: Request, database: Database) -> dict[str, Any]:
    """Make an account; its API key is shown here and never again, since only its hash is kept."""
    api_key = secrets.token_urlsafe(API_KEY_BYTES)
    if not await _add(database, new, api_key):
        message = f"account_id: there is an account {new.account_id!r} already; choose another id"
        raise ApiError(409, "account_exists", message, "account_id")
    return {"account_id": new.account_id, "name": new.name, "api_key": api_key, **_webhook(request, new.account_id)}


async def _add(database: Connection, new: NewAccount, api_key: str) -> bool:
    async with database.transaction():
        added = await database.fetchrow(ADD_ACCOUNT, new.account_id, new.name, key_sha256(api_key))
        if added is not None:
            rules = [rule.model_dump_json() for rule in DEFAULT_RULES]
            await database.execute(ADD_RULES, new.account_id, rules)
    return added is not None


def _webhook(request: Request, account_id: str) -> dict[str, str]:
    settings = request.app.state.settings
    secret = webhook_secret(settings.webhook_key.get_secret_value(), account_id)
    path = f"/webhooks/clicksend/{account_id}/{secret}"
    url = settings.public_inbound_url.rstrip("/") + path
    signing = signing_secret(settings.webhook_key.get_secret_value(), account_id)
    return {"webhook_secret": secret, "webhook_path": path, "webhook_url": url, "signing_secret": signing}
