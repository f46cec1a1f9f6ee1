"""The operator's hour in a browser ends with the session of whoever has given the token."""

from types import SimpleNamespace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.dashboard import sign_in
from services.dashboard.csrf import HEADER, csrf_token
from services.dashboard.session import SessionCookie
from services.dashboard.users import KnownUsers

TOKEN = "t" * 40


class AnyApi:
    """An API that takes every session, and ends any."""

    def __init__(self, *_: object) -> None:
        self.ended = 0

    async def delete(self, _: str) -> None:
        self.ended += 1


def request_of(secret: str, cookie: SessionCookie) -> Request:
    headers = [
        (b"cookie", f"__Host-stopline-{cookie.purpose}={secret}".encode()),
        (HEADER.lower().encode(), csrf_token(secret).encode()),
    ]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers, "scheme": "https", "server": ("h", 443)}
    assert cookie.read(Request(scope)) == secret
    return Request(scope)


def runtime_of_tests() -> Any:
    return SimpleNamespace(
        session_cookie=SessionCookie("session", True), sign_in_cookie=SessionCookie("sign-in", True), api=None,
        users=KnownUsers(), settings=SimpleNamespace(is_https=True), attempts=SimpleNamespace(wait_seconds=lambda _: 0),
    )  # fmt: skip


def ends_operators_hour(response: Response) -> bool:
    cookies = response.headers.getlist("set-cookie")
    return any(each.startswith('__Host-stopline-operator=""') and "Max-Age=0" in each for each in cookies)


async def test_signing_out_ends_it(monkeypatch: Any) -> None:
    monkeypatch.setattr(sign_in, "SessionApi", AnyApi)
    runtime = runtime_of_tests()
    response = await sign_in.send_sign_out(request_of(TOKEN, runtime.session_cookie), runtime)
    assert ends_operators_hour(response)


async def test_who_signs_in_after_another_does_not_have_it(monkeypatch: Any) -> None:
    async def signed_in(*_: object) -> tuple[str, str]:
        return TOKEN, ""

    monkeypatch.setattr(sign_in, "_sign_in", signed_in)
    runtime = runtime_of_tests()
    response = await sign_in.send_sign_in(request_of(TOKEN, runtime.sign_in_cookie), runtime, "acme", "key")
    assert ends_operators_hour(response)
