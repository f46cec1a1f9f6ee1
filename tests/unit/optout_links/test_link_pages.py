"""The pages of links: what they say and send, whoever opens them; only a pressed button publishes anything."""

import re
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest

import services.optout.links
from services.optout.clicks import LinkEvent
from services.optout.links.app import create_app
from services.optout.links.limits import RateLimit
from services.optout.links.lookup import KnownLink
from services.optout.links.page import language_of
from services.optout.links.publish import confirmed
from services.optout.links.runtime import Runtime
from services.optout.links.settings import LinksSettings
from shared.errors import TransientError
from shared.events.inbound import LinkConfirmed, LinkUndone
from shared.http import lifecycle_of

LINK = "/4fQz0Yb7TnK"
TEXTS = tomllib.loads((Path(services.optout.links.__file__).parent / "data" / "texts.toml").read_text())
LONG_NAME = "Ab & <b>Söhne</b> " * 11


class FakeRuntime:
    """Links and a Kafka of the test's own; either may be unavailable."""

    def __init__(self) -> None:
        self.links = self.clicks = self
        self.known: dict[str, KnownLink] = {LINK[1:]: KnownLink(LONG_NAME)}
        self.published: list[LinkEvent] = []
        self.has_postgres = self.has_kafka = True

    async def find(self, token: str) -> KnownLink | None:
        if not self.has_postgres:
            raise TransientError("Postgres")
        return self.known.get(token)

    async def publish(self, event: LinkEvent, _: str | None) -> None:
        if not self.has_kafka:
            raise TransientError("Kafka")
        self.published.append(event)


class Page:
    """A client of the application, as one address."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("STOPLINE_KAFKA_BOOTSTRAP", "127.0.0.1:1")
        monkeypatch.setenv("STOPLINE_HTTP_PORT", "1")
        monkeypatch.setenv("STOPLINE_OPTOUT_DATABASE_URL", "postgresql://somebody@127.0.0.1:1/optout")
        self.app = create_app(LinksSettings())
        self.fake: Any = FakeRuntime()
        self.address = "203.0.113.9"
        runtime: Runtime = self.fake
        lifecycle_of(self.app).runtime = runtime

    async def get(self, path: str = LINK, method: str = "GET", **headers: str) -> httpx.Response:
        return await self._ask(method, path, headers=headers)

    async def press(self, choice: str = "list", path: str = LINK, **options: Any) -> httpx.Response:
        return await self._ask("POST", path, **({"data": {"choice": choice}} | options))

    async def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=(self.address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="https://o.example") as client:
            return await client.request(method, path, **options)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    return Page(monkeypatch)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_whoever_opens_a_link_changes_nothing(page: Page, method: str) -> None:
    for known in (KnownLink("Acme"), KnownLink("Acme", is_out=True, may_undo=True)):
        page.fake.known[LINK[1:]] = known
        assert (await page.get(method=method)).status_code == 200
    assert page.fake.published == []


@pytest.mark.parametrize("choice", ["list", "all"])
async def test_a_pressed_button_is_published_and_the_page_says_that_it_is_done(page: Page, choice: str) -> None:
    answer = await page.press(choice)
    assert answer.status_code == 200
    assert "Done:" in answer.text
    assert 'value="undo"' in answer.text
    (event,) = page.fake.published
    assert isinstance(event, LinkConfirmed)
    assert (event.token, event.all_lists) == (LINK[1:], choice == "all")


def test_a_double_tap_is_the_same_event() -> None:
    assert confirmed("a" * 11, all_lists=False).event_id == confirmed("a" * 11, all_lists=False).event_id
    assert confirmed("a" * 11, all_lists=False).event_id != confirmed("a" * 11, all_lists=True).event_id


@pytest.mark.parametrize(
    "sent",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"data": None, "files": {"List-Unsubscribe": (None, "One-Click")}},
        {"data": None, "files": {"List-Unsubscribe": (None, "One-Click", "text/plain")}},
    ],
)
async def test_a_mail_program_opts_out_with_one_click(page: Page, sent: dict[str, Any]) -> None:
    assert (await page.press(**sent)).status_code == 200
    assert len(page.fake.published) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"choice=", b"choice=everything", b"\xff\xfe", b"choice=list&" * 2_000, b"&" * 9, b"List-Unsubscribe=1"],
)
async def test_a_post_that_does_not_say_what_it_wants_is_refused_and_changes_nothing(page: Page, body: bytes) -> None:
    answer = await page.press(data=None, content=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 400
    assert page.fake.published == []


@pytest.mark.parametrize("path", ["/", "/robots.txt", "/4fQz0Yb7TnKx", "/4fQz0Yb7Tn-", "/a/b/c", "/%00", "/ä" * 5])
async def test_a_garbled_link_says_how_to_opt_out_by_reply(page: Page, path: str) -> None:
    for answer in (await page.get(path), await page.press(path=path)):
        assert answer.status_code in (404, 405)
        assert answer.status_code == 405 or "reply STOP" in answer.text
    assert page.fake.published == []


async def test_a_link_that_is_not_known_is_published_for_the_pipeline_to_decide_and_called_unknown(page: Page) -> None:
    assert (await page.get("/" + "z" * 11)).status_code == 404
    assert page.fake.published == []
    assert (await page.press(path="/" + "z" * 11)).status_code == 404
    assert [event.token for event in page.fake.published] == ["z" * 11]


async def test_while_somebody_guesses_a_click_on_a_link_that_is_not_known_yet_is_taken(page: Page) -> None:
    for _ in range(20):  # a slow machine gives some of the guesses back meanwhile
        page.address = "198.51.100.1"
        assert {(await page.get("/robots.txt")).status_code for _ in range(100)} <= {404, 429}
        page.address = "203.0.113.9"
        if (await page.get("/" + "z" * 11)).status_code == 429:
            break
    else:
        raise AssertionError("who guesses is never slowed down")
    assert (await page.press(path="/" + "z" * 11)).status_code == 404
    assert len(page.fake.published) == 1


async def test_without_postgres_the_page_has_no_name_and_its_button_works(page: Page) -> None:
    page.fake.has_postgres = False
    assert "this sender" in (await page.get()).text
    assert (await page.press()).status_code == 200
    assert len(page.fake.published) == 1


async def test_without_kafka_nothing_is_said_to_be_done(page: Page) -> None:
    page.fake.has_kafka = False
    answer = await page.press()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "reply STOP" in answer.text
    assert 'value="list"' in answer.text


async def test_an_undo_is_offered_and_taken_for_a_while_only(page: Page) -> None:
    page.fake.known[LINK[1:]] = KnownLink("Acme", is_out=True, may_undo=True)
    assert 'value="undo"' in (await page.get()).text
    assert (await page.press("undo")).status_code == 200
    assert [type(event) for event in page.fake.published] == [LinkUndone]
    page.fake.known[LINK[1:]] = KnownLink("Acme", is_out=True)
    assert 'value="undo"' not in (await page.get()).text
    assert (await page.press("undo")).status_code == 409
    assert len(page.fake.published) == 1


async def test_who_has_a_link_cannot_fill_the_record_by_undoing_and_is_always_heard_when_leaving(page: Page) -> None:
    for _ in range(20):
        await page.press("undo")
        await page.press()
    kinds = [type(event) for event in page.fake.published]
    assert (kinds.count(LinkUndone), kinds.count(LinkConfirmed)) == (5, 20)


async def test_an_address_that_asks_too_often_has_to_wait(page: Page) -> None:
    codes = [(await page.get()).status_code for _ in range(120)]
    assert codes[:90] == [200] * 90
    assert codes[-1] == 429
    assert (await page.press()).status_code == 429
    assert page.fake.published == []


def test_a_rate_limit_is_one_for_each_key_and_refills() -> None:
    now = [0.0]
    limit = RateLimit(1.0, 2.0, lambda: now[0])
    assert [limit.allows("a"), limit.allows("a"), limit.allows("a"), limit.allows("b")] == [True, True, False, True]
    now[0] = 1.0
    assert [limit.allows("a"), limit.allows("a")] == [True, False]


@pytest.mark.parametrize("language", TEXTS)
async def test_every_page_is_small_strict_and_without_scripts_in_every_language(page: Page, language: str) -> None:
    states = [KnownLink(LONG_NAME), KnownLink(LONG_NAME, is_out=True, may_undo=True)]
    for state in states:
        page.fake.known[LINK[1:]] = state
        answer = await page.get(**{"Accept-Language": f"{language};q=0.9, xx"})
        assert len(answer.content) < 10_000
        assert f'<html lang="{language}">' in answer.text
        assert answer.headers["Content-Language"] == language
        assert "{" not in re.sub("<style>.*</style>", "", answer.text, flags=re.DOTALL)
        assert "<b>" not in answer.text
        assert not re.search(r"<script|javascript:| on[a-z]+=|http-equiv", answer.text)
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "form-action 'self'; frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer.headers["X-Robots-Tag"]


def test_every_language_has_every_text() -> None:
    assert {"en", "es", "fr", "de", "pt", "it", "nl", "pl"} <= TEXTS.keys()
    assert {language: texts.keys() ^ TEXTS["en"].keys() for language, texts in TEXTS.items()} == {
        language: set() for language in TEXTS
    }


@pytest.mark.parametrize("language", TEXTS)
def test_no_page_offers_a_start_which_ends_what_was_stopped_by_writing_and_no_click(language: str) -> None:
    assert [name for name, text in TEXTS[language].items() if "START" in text] == []


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"), ("de", "de"), ("pt-BR,pt;q=0.9,en;q=0.8", "pt"), ("xx, fr;q=0.1", "fr"), ("en;q=0, nl", "nl"),
        ("es;q=x", "en"), ("*", "en"), (";;;,,,=", "en"), ("it;q=0.5,pl;q=0.7", "pl"),
    ],
)  # fmt: skip
def test_the_language_is_the_one_that_the_reader_likes_best(header: str, language: str) -> None:
    assert language_of(header) == language
