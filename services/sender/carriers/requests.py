"""The parts of the requests that several carriers take: basic authentication, JSON and forms."""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from services.sender.carriers.carrier import HttpCall


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def json_call(url: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> HttpCall:
    return HttpCall(url, {**headers, "Content-Type": "application/json"}, json.dumps(body).encode())


def form_call(url: str, headers: Mapping[str, str], form: Mapping[str, str]) -> HttpCall:
    return HttpCall(url, {**headers, "Content-Type": "application/x-www-form-urlencoded"}, urlencode(form).encode())
