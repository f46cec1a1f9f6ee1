"""The dashboard's own protection: where it leads to, who may try to sign in, whose cookie and token it is."""

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from services.dashboard.attempts import SignInAttempts
from services.dashboard.csrf import check_csrf, csrf_token
from services.dashboard.places import PLACES, page_place, safe_path
from services.dashboard.refusals import PageError
from services.dashboard.session import SessionCookie
from services.dashboard.static_files import static, static_files
from services.dashboard.users import SignedInUser


def request(headers: dict[str, str] | None = None, **scope: Any) -> Request:
    raw = [
        (name.lower().encode(), value.encode()) for name, value in {"Host": "localhost:8090", **(headers or {})}.items()
    ]
    given = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "scheme": "http", **scope}
    return Request({**given, "headers": raw, "server": ("localhost", 8090)})


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "", "evil", "/sign-out", "/a\nb", "/a\\b"]
)
def test_signing_in_leads_nowhere_but_to_a_page_of_ours(path: str) -> None:
    assert safe_path(path) == "/overview"


def test_signing_in_leads_to_the_page_that_was_asked_for() -> None:
    assert safe_path("/lists?search=a") == "/lists?search=a"


async def test_a_change_without_the_sessions_token_is_refused() -> None:
    await check_csrf(request({"X-CSRF-Token": csrf_token("mine")}), "mine")
    for headers in ({}, {"X-CSRF-Token": csrf_token("another")}, {"X-CSRF-Token": ""}):
        with pytest.raises(PageError) as refused:
            await check_csrf(request(headers), "mine")
        assert refused.value.status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_change_that_another_site_sends_is_refused_even_with_the_token(site: str) -> None:
    with pytest.raises(PageError):
        await check_csrf(request({"X-CSRF-Token": csrf_token("mine"), "Sec-Fetch-Site": site}), "mine")


def test_an_address_that_guesses_is_slowed_down_and_no_other() -> None:
    now = 0.0
    attempts = SignInAttempts(lambda: now)
    for _ in range(10):
        assert attempts.wait_seconds("192.0.2.1") == 0
        attempts.wrong("192.0.2.1")
    assert attempts.wait_seconds("192.0.2.1") == 5
    assert attempts.wait_seconds("192.0.2.2") == 0
    now = 5.0
    assert attempts.wait_seconds("192.0.2.1") == 0


def test_all_addresses_of_one_network_of_ipv6_are_one_client() -> None:
    attempts = SignInAttempts(lambda: 0.0)
    for last in range(10):
        attempts.wrong(f"2001:db8::{last + 1:x}")
    assert attempts.wait_seconds("2001:db8::ffff") > 0


def test_an_address_of_ipv4_that_ipv6_writes_is_one_client_and_not_all_of_them() -> None:
    attempts = SignInAttempts(lambda: 0.0)
    for _ in range(10):
        attempts.wrong("::ffff:192.0.2.1")
    assert attempts.wait_seconds("::ffff:192.0.2.1") > 0
    assert attempts.wait_seconds("192.0.2.1") > 0
    assert attempts.wait_seconds("::ffff:192.0.2.2") == 0


def test_many_wrong_attempts_at_the_same_moment_do_not_lock_an_address_out_for_hours() -> None:
    attempts = SignInAttempts(lambda: 0.0)
    for _ in range(1_000):
        attempts.wrong("192.0.2.1")
    assert attempts.wait_seconds("192.0.2.1") == 5


def test_a_cookie_is_out_of_reach_of_scripts_and_of_other_sites_and_over_https_of_other_hosts() -> None:
    response = Response()
    SessionCookie("session", is_https=True).write(request(), response, "token")
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("__Host-stopline-session=token;")
    for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=43200"):
        assert part in cookie
    assert "Domain" not in cookie


def test_a_cookie_over_http_is_of_one_port() -> None:
    cookie = SessionCookie("session", is_https=None)
    assert cookie.read(request({"Cookie": "stopline-session-8090=mine"})) == "mine"
    assert cookie.read(request({"Cookie": "stopline-session-8091=another"})) is None
    assert cookie.read(request({"Cookie": f"stopline-session-8090={'x' * 101}"})) is None


def test_a_role_includes_the_roles_below_it() -> None:
    user = SignedInUser("acme", "Acme", "ann", "operate")
    assert [user.may(role) for role in ("read", "operate", "administer")] == [True, True, False]


def test_every_page_has_one_place() -> None:
    assert page_place("/overview") is PLACES[0]
    assert page_place("/overview/live") is PLACES[0]
    assert page_place("/overviews") is None
    assert len({place.path for place in PLACES}) == len(PLACES)


def test_a_files_address_changes_with_its_content_and_every_library_has_its_licence() -> None:
    assert static("stopline.js").startswith("/static/")
    names = static_files()
    libraries = {name.split("-")[0] for name in names if name.endswith((".js", ".css"))} - {
        "stopline",
        "stopline.js",
        "stopline.css",
    }
    assert libraries == {"htmx", "pico", "uplot"}
    assert {f"licences/{library}.txt" for library in libraries} <= names.keys()
