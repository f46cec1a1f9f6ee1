"""The customer API as the page uses it: as any client would, with the key of one account."""

import base64
import secrets
from typing import Any

from harness.machine.private_file import read_private, write_private
from harness.phones.cast import LISTS, OWNERS, SENDER_NUMBER, members_of
from harness.phones.json_client import CallRefusedError, JsonClient
from harness.phones.settings import PhonesSettings
from shared.errors import TransientError

_UNAUTHORIZED, _CONFLICT = 401, 409
_NAME = "phones"


async def api_key(settings: PhonesSettings) -> str:
    """Return the account's key: the one that is set, the one that was kept and works, or a new one, which is kept.

    Raises:
        TransientError: the API is unavailable, or refuses it; or the key cannot be kept.
    """
    if settings.phones_api_key is not None:
        return settings.phones_api_key.get_secret_value()
    assert settings.phones_dir is not None  # noqa: S101 (the settings say so)
    kept = settings.phones_dir / f"{settings.phones_account_id}.json"
    key = str(read_private(kept).get("api_key", ""))
    if key and await _works(settings, key):
        return key
    key = await _new_key(settings)
    try:
        write_private(kept, {"api_key": key})
    except OSError as error:
        raise TransientError(f"the API key cannot be kept in {kept}: {error.strerror}") from error
    await _delete_earlier_keys(settings, key)
    return key


async def _works(settings: PhonesSettings, key: str) -> bool:
    """Return whether the account still has the key: its database may be another one than when the key was kept."""
    try:
        async with signed_in(settings, key) as api:
            await api.call("GET", "/v1/api-keys")
    except CallRefusedError as refused:
        if refused.status != _UNAUTHORIZED:
            raise
        return False
    return True


async def _delete_earlier_keys(settings: PhonesSettings, key: str) -> None:
    """Delete the keys of starts that lost theirs: an account has a limit of them."""
    async with signed_in(settings, key) as api:
        rows = (await api.call("GET", "/v1/api-keys"))["api_keys"]
        ours = [row["key_id"] for row in rows if row["name"].startswith(f"{_NAME}-")]
        for key_id in sorted(ours)[:-1]:  # the newest is the one in use
            await api.call("DELETE", f"/v1/api-keys/{key_id}")


async def _new_key(settings: PhonesSettings) -> str:
    token = settings.admin_token.get_secret_value() if settings.admin_token else ""
    account_id = settings.phones_account_id
    async with JsonClient(settings.phones_api_url, {"Authorization": f"Bearer {token}"}) as api:
        try:
            made = await api.call("POST", "/v1/accounts", {"account_id": account_id, "name": account_id})
        except CallRefusedError as refused:
            if refused.status != _CONFLICT:
                raise
            name = f"{_NAME}-{secrets.token_hex(3)}"
            made = await api.call("POST", f"/v1/accounts/{account_id}/api-keys", {"name": name})
    return str(made["api_key"])


def signed_in(settings: PhonesSettings, key: str) -> JsonClient:
    """Return a client that acts as the account."""
    login = base64.b64encode(f"{settings.phones_account_id}:{key}".encode()).decode()
    return JsonClient(settings.phones_api_url, {"Authorization": f"Basic {login}"})


async def lists_of_the_cast(api: JsonClient) -> dict[int, str]:
    """Return the demo's lists by id, after making those that are missing, with everybody on them."""
    names = await _lists(api)
    for shown in LISTS:
        if shown.name not in names:
            names[shown.name] = (await api.call("POST", "/v1/lists", {"name": shown.name}))["list_id"]
        contacts = [{"phone": owner.phone, "fields": {"first_name": owner.name}} for owner in members_of(shown)]
        await api.call("POST", f"/v1/lists/{names[shown.name]}/contacts", {"contacts": contacts})
    return {names[shown.name]: shown.name for shown in LISTS}


async def _lists(api: JsonClient) -> dict[str, int]:
    names: dict[str, int] = {}
    after: str | None = None
    while True:
        page = await api.call("GET", "/v1/lists", params={} if after is None else {"after": after})
        names |= {row["name"]: row["list_id"] for row in page["lists"] if row["kind"] != "opt_outs"}
        after = page["next"]
        if after is None:
            return names


async def suppressed(api: JsonClient, list_ids: dict[int, str]) -> dict[tuple[str, str], str]:
    """Return the state of each phone and scope that forbids a message of these lists now."""
    asked = [
        {"phone": owner.phone, "list_id": list_id, "sender_number": SENDER_NUMBER}
        for list_id in list_ids
        for owner in OWNERS
    ]
    found = (await api.call("POST", "/v1/check", {"messages": asked}))["decisions"]
    reasons = [(decision["phone"], decision["reason"]) for decision in found if not decision["allowed"]]
    return {(phone, why["scope"]): why["state"] for phone, why in reasons if why and why["scope"]}


async def start_campaign(api: JsonClient, list_id: int, name: str, text: str) -> int:
    """Start a campaign to the list; return its id. Raises as `JsonClient.call` does, with the API's own words."""
    asked = {"list_id": list_id, "name": name, "sender_number": SENDER_NUMBER, "body": text}
    made: dict[str, Any] = await api.call(
        "POST", "/v1/campaigns", asked, headers={"Idempotency-Key": secrets.token_hex(16)}
    )
    return int(made["campaign_id"])
