"""Accounts: made by the operator, each with the rules that every account starts with."""

from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Query

from services.optout.api.answers import ShownAccount, ShownNewAccount, ShownWebhook
from services.optout.api.api_keys import add_api_key
from services.optout.api.context import Admin, CallerAccountId, Database
from services.optout.api.errors import ApiError
from services.optout.api.fields import Country, Name, RequestBody
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.runtime import ApiRuntime, Runtime
from services.optout.api.settings import ApiSettings
from services.optout.customer_webhooks.sign import signing_secret
from services.optout.rules import DEFAULT_RULES
from shared.events.base import AccountId
from shared.postgres import Connection
from shared.webhook_secrets import webhook_path, webhook_secret

FIRST_KEY = "first"
DEFAULT_GATEWAY = "clicksend"
"""The gateway of an account that asks for no other, by the name that the inbound service registers."""

# Adds an account; no row comes back where there is one with that id.
ADD_ACCOUNT = """
INSERT INTO accounts (account_id, name, country) VALUES ($1, $2, $3)
ON CONFLICT (account_id) DO NOTHING
RETURNING account_id
"""

# Gives an account its first rules, in the order in which they are tried.
ADD_RULES = """
INSERT INTO rules (account_id, definition)
SELECT $1, definition FROM unnest($2::jsonb[]) WITH ORDINALITY AS given (definition, place) ORDER BY place
"""

SET_COUNTRY = "UPDATE accounts SET country = $2 WHERE account_id = $1 RETURNING name"

router = APIRouter(route_class=GuardedRoute)

GatewayName: TypeAlias = Annotated[str, Query(pattern="^[a-z0-9_-]{1,64}$")]


class NewAccount(RequestBody):
    """A new account. A number without a country code belongs to `country`; without `country` it is refused."""

    account_id: AccountId
    name: Name
    country: Country | None = None


class ChangedAccount(RequestBody):
    country: Country | None


@router.post("/v1/accounts", status_code=201, dependencies=[Admin], response_model=ShownNewAccount)
async def create_account(new: NewAccount, runtime: ApiRuntime, database: Database) -> dict[str, Any]:
    """Make an account; its API key is shown here and never again, since only its hash is kept."""
    api_key = await _add(runtime, database, new)
    if api_key is None:
        message = f"account_id: there is an account {new.account_id!r} already; choose another id"
        raise ApiError(409, "account_exists", message, "account_id")
    made = {"account_id": new.account_id, "name": new.name, "country": new.country, "api_key": api_key}
    return {**made, **webhook_of(runtime.settings, new.account_id)}


@router.patch("/v1/accounts/{account_id}", dependencies=[Admin], response_model=ShownAccount)
async def change_account(account_id: AccountId, changed: ChangedAccount, database: Database) -> dict[str, Any]:
    """Set or take away the account's country; it counts for what is written from then on."""
    row = await database.fetchrow(SET_COUNTRY, account_id, changed.country)
    if row is None:
        message = f"account_id: there is no account {account_id!r}; POST /v1/accounts makes one"
        raise ApiError(404, "not_found", message, "account_id")
    return {"account_id": account_id, "name": row["name"], "country": changed.country}


@router.get("/v1/webhook", response_model=ShownWebhook)
async def readwebhook_of(
    account_id: CallerAccountId, runtime: ApiRuntime, gateway: GatewayName = DEFAULT_GATEWAY
) -> dict[str, str]:
    """Return the address for the account's gateway, and the secret that signs calls to the account's own addresses."""
    return webhook_of(runtime.settings, account_id, gateway)


async def _add(runtime: Runtime, database: Connection, new: NewAccount) -> str | None:
    """Return the account's first API key; None where there is an account of that id."""
    async with database.transaction():
        if await database.fetchrow(ADD_ACCOUNT, new.account_id, new.name, new.country) is None:
            return None
        _, api_key = await add_api_key(runtime.logins, database, new.account_id, FIRST_KEY)
        rules = [rule.model_dump_json() for rule in DEFAULT_RULES]
        await database.execute(ADD_RULES, new.account_id, rules)
    return api_key


def webhook_of(settings: ApiSettings, account_id: str, gateway: str = DEFAULT_GATEWAY) -> dict[str, str]:
    """Return the account's address for a gateway, and its secrets."""
    secret = webhook_secret(settings.webhook_key.get_secret_value(), account_id)
    path = webhook_path(gateway, account_id, secret)
    url = settings.public_inbound_url.rstrip("/") + path
    signing = signing_secret(settings.webhook_key.get_secret_value(), account_id)
    return {"webhook_secret": secret, "webhook_path": path, "webhook_url": url, "signing_secret": signing}
