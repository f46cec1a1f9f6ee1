"""The parts of the requests that several carriers take: basic authentication, JSON and forms."""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from services.sender.carriers.carrier import HttpCall

ValueT = TypeVar("ValueT")


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def given(fields: Mapping[str, ValueT]) -> dict[str, ValueT]:
    """Return the fields that have a value: carriers read an empty one as what was asked for."""
    return {name: value for name, value in fields.items() if value}


def json_call(url: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> HttpCall:
    return HttpCall(url, {**headers, "Content-Type": "application/json"}, json.dumps(body).encode())


def form_call(url: str, headers: Mapping[str, str], form: Mapping[str, str]) -> HttpCall:
    return HttpCall(url, {**headers, "Content-Type": "application/x-www-form-urlencoded"}, urlencode(form).encode())
