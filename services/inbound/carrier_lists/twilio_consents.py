"""Opt-outs and opt-ins written by Twilio's Consent Management API, up to 25 in a call and 100 calls per minute.

twilio.com/docs/messaging/features/consent-api (public beta; access is asked for): an upsert of the record, keyed by
contact and sender. Its pages name no message that it would cause. US toll-free numbers keep a record in the network,
which it does not change.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from pydantic import SecretStr

from services.inbound.carrier_lists.consents import Consent, ConsentOutcome, WriteReach, number_of
from services.inbound.carrier_lists.http import ApiRequest, ApiResponse, basic_auth, json_of, objects_of
from shared.events.base import derived_id, format_time
from shared.number_pools import NumberPools

_URL = "https://accounts.twilio.com"
_PASSING = "INTERNAL_SERVER_ERROR"
"""twilio.com/docs/api/errors/30646: the one error of an item that asks to be retried."""
_SOURCES = {
    (None, True): "opt-out-message",
    (None, False): "opt-in-message",
    ("link", True): "website",
    ("link", False): "website",
    ("web_form", False): "website",
}
_OFFLINE = frozenset(("phone_call", "mail", "by_hand"))


@dataclass(frozen=True, slots=True)
class TwilioConsents:
    """The writer for an account's messaging services and numbers (`senders`)."""

    account_sid: str
    auth_token: SecretStr
    account_id: str
    senders: Sequence[str]
    pools: NumberPools
    url: str = _URL

    gateway: ClassVar[str] = "twilio"
    limit: ClassVar[int] = 25
    pause_seconds: ClassVar[float] = 0.6

    def senders_of(self, scope: str, reach: WriteReach) -> Collection[str]:
        number = number_of(scope)
        if number is None:
            return self.senders if scope == "account" or reach == "all" else ()
        shared = self.pools.get(self.account_id, {})
        alone = [number] if number in self.senders else []
        return alone or [
            each
            for each in self.senders
            if number in shared.get(each, ()) and (reach == "all" or len(shared.get(each, ())) == 1)
        ]

    def request(self, consents: Sequence[Consent], _: datetime) -> ApiRequest:
        items = [("Items", json.dumps(_item(each))) for each in consents]
        headers = {
            "Authorization": basic_auth(self.account_sid, self.auth_token.get_secret_value()),
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        return ApiRequest(f"{self.url.rstrip('/')}/v1/Consents/Bulk", headers, urlencode(items).encode())

    def outcomes(self, response: ApiResponse, consents: Sequence[Consent]) -> list[ConsentOutcome]:
        found = objects_of(json_of(response).get("items"))
        by_id = {str(each.get("correlation_id")): each for each in found if isinstance(each, dict)}
        known = [(each, by_id[_correlation_id(each)]) for each in consents if _correlation_id(each) in by_id]
        outcomes = [(each, item.get("error_code"), _words(item)) for each, item in known]
        return [
            ConsentOutcome(each, f"error {code}: {words}" if code else None)
            for each, code, words in outcomes
            if not code or _PASSING not in words
        ]


def _item(each: Consent) -> dict[str, str]:
    return {
        "contact_id": each.phone,
        "correlation_id": _correlation_id(each),
        "sender_id": each.sender,
        "status": "opt-out" if each.is_opt_out else "opt-in",
        "source": _source(each),
        "date_of_consent": format_time(each.at),
    }


def _source(each: Consent) -> str:
    return _SOURCES.get((each.source, each.is_opt_out)) or ("offline" if each.source in _OFFLINE else "others")


def _correlation_id(each: Consent) -> str:
    """Return the 32 characters by which an item of the response is found: the same in each try."""
    return derived_id(each.event_id, "consent", each.sender).hex


def _words(item: dict[str, Any]) -> str:
    """Return what is wrong with an item; the codes alone: their texts may repeat the number."""
    words = item.get("error_messages")
    texts = [str(each).partition(":")[0] for each in words] if isinstance(words, list) else []
    return ", ".join(texts)[:200]
