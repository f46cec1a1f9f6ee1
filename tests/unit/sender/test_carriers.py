"""A carrier is one adapter and one line in the registry; settings choose it, for everybody or for one account."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any
from urllib.parse import parse_qs, urlencode

import pytest
from aiohttp import web
from pydantic import Field, SecretStr

from services.sender import dispatch
from services.sender.calls import CHUNK_MESSAGES, MessageCalls
from services.sender.carriers import CARRIERS
from services.sender.carriers.carrier import (
    Accepted,
    CallResult,
    CarrierAdapter,
    CarrierResponse,
    HttpCall,
    NotCalled,
    Refused,
    Unknown,
)
from services.sender.carriers.choose import Carriers, open_carriers
from services.sender.dispatch import Dispatcher
from services.sender.ledger.model import RowUpdate
from services.sender.ledger.rows import Settled, WrittenRows
from services.sender.settings import SenderSettings
from shared.errors import MisconfiguredError, TransientError
from shared.events.outbound import MessageRequested
from shared.settings import load
from shared.suppressions.fence_pass import FencePass, boottime

ROOT = Path(__file__).parents[3]
KEY = "a-secret-of-these-tests-only"
SETTINGS = {
    "KAFKA_BOOTSTRAP": "a:9092",
    "HTTP_PORT": "8083",
    "SENDER_DATABASE_URL": "postgresql://sender:secret@db/sender",
    "CARRIER_URL": "https://carrier.example",
    "CARRIER_TOKEN": KEY,
    "CACHE_DIR": "/nowhere",
}


def basic(key: str) -> str:
    return f"Basic {b64encode(f'stopline:{key}'.encode()).decode()}"


class FormCarrier(CarrierAdapter):
    """A carrier with a wire format of its own: forms, basic authentication, and a receipt in the response."""

    form_carrier_url: Annotated[str, Field(pattern="^https?://")]
    form_carrier_key: SecretStr

    def call_of(self, request: MessageRequested) -> HttpCall:
        headers = {
            "Authorization": basic(self.form_carrier_key.get_secret_value()),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        form = urlencode({"To": request.phone, "Text": request.body, "Ref": request.message_id})
        return HttpCall(f"{self.form_carrier_url}/messages.cgi", headers, form.encode())

    def result_of(self, response: CarrierResponse) -> CallResult:
        match response.body.split():
            case [b"OK", carrier_message_id]:
                return Accepted(carrier_message_id.decode())
            case [b"BUSY"]:
                return Refused("busy", pause_seconds=30)
            case _:
                return Unknown("no such response")


class Companies:
    """Two carriers on one local server, each with its own format; they note what they are asked for."""

    def __init__(self) -> None:
        self.generic: list[str] = []
        self.form: list[str] = []
        self.form_says = b"OK f-1"
        self.form_hangs: asyncio.Event | None = None

    async def answer_generic(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        self.generic.append((await request.json())["message_id"])
        return web.json_response({"carrier_message_id": "g-1"})

    async def answer_form(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == basic(KEY)
        form = parse_qs((await request.read()).decode())
        assert form["To"] == ["+14155550100"]
        self.form += form["Ref"]
        if self.form_hangs is not None:
            await self.form_hangs.wait()
        return web.Response(body=self.form_says)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/v1/messages", self.answer_generic)
        app.router.add_post("/messages.cgi", self.answer_form)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(f"STOPLINE_{name}", value)


@pytest.fixture
def companies(monkeypatch: pytest.MonkeyPatch) -> Companies:
    """Register the second carrier, which `beta` has chosen."""
    monkeypatch.setitem(CARRIERS, "form", FormCarrier)
    monkeypatch.setenv("STOPLINE_CARRIERS_BY_ACCOUNT", json.dumps({"beta": "form"}))
    monkeypatch.setenv("STOPLINE_FORM_CARRIER_KEY", KEY)
    return Companies()


@asynccontextmanager
async def opened(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Carriers]:
    monkeypatch.setenv("STOPLINE_CARRIER_URL", url)
    monkeypatch.setenv("STOPLINE_FORM_CARRIER_URL", url)
    carriers = open_carriers(load(SenderSettings))
    try:
        yield carriers
    finally:
        await carriers.close()


def asked(account_id: str, message_id: str) -> MessageRequested:
    return MessageRequested(
        account_id=account_id,
        message_id=message_id,
        list_id=7,
        phone="+14155550100",
        sender_number="ACME",
        body="Hi & bye. STOP ends",
    )


def fence_pass() -> FencePass:
    return FencePass(datetime.now(UTC), boottime(), {0: 0})


class Ledger:
    """The rows that a dispatcher writes, without Postgres; who claims first, has a message."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settled: dict[str, tuple[str, str | None]] = {}
        self.announced: list[str] = []
        monkeypatch.setattr(dispatch, "connection_from", nullcontext_of)
        monkeypatch.setattr(dispatch, "write_rows", self.write_rows)
        monkeypatch.setattr(dispatch, "settle", self.settle)

    async def write_rows(self, *_: object) -> WrittenRows:
        return WrittenRows(frozenset(), datetime.now(UTC))

    async def settle(self, _: object, __: int, settled: Sequence[RowUpdate], ___: timedelta) -> dict[Any, Settled]:
        self.settled |= {each.key[1]: (each.state, each.detail) for each in settled}
        return {each.key: Settled(each.state, each.detail, datetime.now(UTC)) for each in settled}

    async def hold(self) -> None:
        await asyncio.sleep(0)

    async def announce(self, requests: Sequence[MessageRequested], _: datetime) -> None:
        self.announced += [request.message_id for request in requests]

    async def publish(self, _: object) -> None:
        await asyncio.sleep(0)

    def dispatcher(self, carriers: Carriers) -> Dispatcher:
        rows: Any = SimpleNamespace(hold=self.hold, number=1, announce=self.announce, publish=self.publish)
        return Dispatcher(rows, rows, rows, MessageCalls(carriers, 10))


def nullcontext_of(_: object) -> Any:
    return nullcontext()


async def verified() -> None:
    await asyncio.sleep(0)


async def test_two_accounts_of_one_batch_have_different_carriers(
    companies: Companies, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(monkeypatch)
    async with companies.serving() as url, opened(url, monkeypatch) as carriers:
        batch = [asked("acme", "m-1"), asked("beta", "m-2"), asked("acme", "m-3")]
        assert await ledger.dispatcher(carriers).dispatch(batch, fence_pass(), verified) == []
    assert (sorted(companies.generic), companies.form) == (["m-1", "m-3"], ["m-2"])
    assert ledger.settled == {"m-1": ("sent", "g-1"), "m-2": ("sent", "f-1"), "m-3": ("sent", "g-1")}


async def test_a_pause_of_one_carrier_holds_up_no_other(companies: Companies, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, companies.form_says = Ledger(monkeypatch), b"BUSY"
    async with companies.serving() as url, opened(url, monkeypatch) as carriers:
        dispatcher = ledger.dispatcher(carriers)
        await dispatcher.dispatch([asked("beta", "m-1")], fence_pass(), verified)
        batch = [asked("acme", "m-2"), asked("beta", "m-3")]
        assert await dispatcher.dispatch(batch, fence_pass(), verified) == batch[1:]
        assert ledger.announced == ["m-1", "m-2"]
        with pytest.raises(TransientError, match="asked for a pause"):
            await dispatcher.dispatch(batch[1:], fence_pass(), verified)
        paused = [asked("beta", f"m-{number}") for number in range(4, 4 + CHUNK_MESSAGES)]
        assert await dispatcher.dispatch([*paused, asked("acme", "m-0")], fence_pass(), verified) == paused
    assert (companies.generic, companies.form) == (["m-2", "m-0"], ["m-1"])


async def test_a_carrier_that_hangs_delays_no_message_of_another(
    companies: Companies, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, companies.form_hangs = Ledger(monkeypatch), asyncio.Event()
    hanging = [asked("beta", f"m-{number}") for number in range(4 * CHUNK_MESSAGES)]
    async with companies.serving() as url, opened(url, monkeypatch) as carriers:
        batch = [*hanging, asked("acme", "m-last")]
        dispatching = asyncio.create_task(ledger.dispatcher(carriers).dispatch(batch, fence_pass(), verified))
        async with asyncio.timeout(5):
            while "m-last" not in ledger.settled:  # noqa: ASYNC110 (it is a fake without events)
                await asyncio.sleep(0.01)  # until the condition above: the ledger is a fake without events
        assert (len(companies.form), dispatching.done()) == (10, False)
        companies.form_hangs.set()
        await dispatching


async def test_the_clock_is_looked_at_in_the_write_of_every_carrier(
    companies: Companies, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with companies.serving() as url, opened(url, monkeypatch) as carriers:
        for name in carriers.clients:
            write_by = boottime() + 1
            monkeypatch.setattr("services.sender.carriers.write_deadline.boottime", lambda: write_by)  # noqa: B023
            assert isinstance(await carriers.clients[name].send(asked("acme", "m-1"), write_by), NotCalled)
    assert (companies.generic, companies.form) == ([], [])


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CARRIER", "pigeon", "STOPLINE_CARRIER: 'pigeon' is not a carrier; choose one of aws, clicksend, generic"),
        ("CARRIERS_BY_ACCOUNT", '{"acme": "pigeon"}', "STOPLINE_CARRIERS_BY_ACCOUNT: 'pigeon' is not a carrier"),
        ("CARRIERS_BY_ACCOUNT", "acme=generic", "STOPLINE_CARRIERS_BY_ACCOUNT: Invalid JSON"),
    ],
)
def test_a_carrier_that_does_not_exist_ends_the_start_with_one_line(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"STOPLINE_{name}", value)
    with pytest.raises(MisconfiguredError) as error:
        load(SenderSettings)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("companies")
def test_a_carrier_in_use_needs_its_own_settings_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MisconfiguredError, match="STOPLINE_FORM_CARRIER_URL"):
        load(SenderSettings)
    monkeypatch.setenv("STOPLINE_CARRIERS_BY_ACCOUNT", "{}")
    assert list(load(SenderSettings).carrier_adapters) == ["generic"]


def test_every_setting_of_a_carrier_is_explained() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    names = {field for adapter in CARRIERS.values() for field in adapter.model_fields}
    assert sorted(name for name in names if f"`STOPLINE_{name.upper()}`" not in page) == []


async def recreated() -> None:
    await asyncio.sleep(0)
    raise TransientError("a topic was recreated")


async def test_no_carrier_is_called_unless_the_topics_of_the_cache_are_confirmed(
    companies: Companies, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(monkeypatch)
    async with companies.serving() as url, opened(url, monkeypatch) as carriers:
        dispatcher = ledger.dispatcher(carriers)
        with pytest.raises(TransientError, match="recreated"):
            await dispatcher.dispatch([asked("acme", "m-1"), asked("beta", "m-2")], fence_pass(), recreated)
        await dispatcher.settle_leftovers()
    assert (companies.generic, companies.form) == ([], [])
    assert ledger.settled == {"m-1": ("pending", None), "m-2": ("pending", None)}
