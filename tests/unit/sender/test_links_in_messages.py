"""The link takes its place right before the call, and the announcement names its token."""

import asyncio
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr, ValidationError
from test_carriers import SETTINGS, Ledger, asked, fence_pass, verified

from services.sender.carriers.carrier import Accepted, CallResult
from services.sender.carriers.choose import Carriers
from services.sender.gate import judge_all
from services.sender.links import LinkWriter
from services.sender.report import announced
from services.sender.settings import SenderSettings
from shared.events.codec import decode
from shared.events.delivery import MessageDispatching, delivery_event_adapter
from shared.events.outbound import MessageRequested
from shared.events.suppression import AccountSettingsPublished, ListPublished
from shared.gate import Rejection, offered_by
from shared.opt_out_links import link_token, partition_of_token
from shared.partitions import partition_of
from shared.suppressions.account_settings import DigestedAccountSettings, PartitionAccountSettings

AT = datetime(2026, 11, 24, 11, 13, tzinfo=UTC)
LINKS = LinkWriter("https://o.example", "the-link-key-of-these-tests", 6)


def with_place(message_id: str = "m-1") -> MessageRequested:
    return asked("acme", message_id).model_copy(update={"body": "Sale! Opt out: {{opt_out_link}}"})


class Called:
    """A carrier that keeps the texts that it was given."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    async def send(self, request: MessageRequested, write_by: float) -> CallResult:
        await asyncio.sleep(0)
        assert write_by
        self.bodies.append(request.body)
        return Accepted("c-1")

    async def close(self) -> None: ...


async def sent_with(links: LinkWriter, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], Ledger]:
    ledger, called = Ledger(monkeypatch), Called()
    dispatcher = ledger.dispatcher(Carriers({"only": called}, "only", {}))
    dispatcher.calls.links = links
    assert await dispatcher.dispatch([with_place(), asked("acme", "m-2")], fence_pass(), verified) == []
    return called.bodies, ledger


async def test_the_carrier_gets_the_link_that_was_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies, _ = await sent_with(LINKS, monkeypatch)
    event = decode(delivery_event_adapter, announced(with_place(), AT, AT, LINKS).value)
    assert isinstance(event, MessageDispatching)
    assert bodies == [f"Sale! Opt out: https://o.example/{event.link_token}", "Hi & bye. STOP ends"]
    assert event.instruction == bodies[0]
    assert partition_of_token(event.link_token or "", 6) == partition_of(event.phone, 6)


def test_a_message_without_a_place_for_a_link_has_no_token() -> None:
    event = decode(delivery_event_adapter, announced(asked("acme", "m-2"), AT, AT, LINKS).value)
    assert isinstance(event, MessageDispatching)
    assert event.link_token is None


@pytest.mark.parametrize("way_out", ["", " Reply STOP to opt out"])
def test_without_links_a_message_that_has_a_place_for_one_is_rejected(way_out: str) -> None:
    request = with_place().model_copy(
        update={"sender_number": "+18335550123", "body": f"Sale! {{{{opt_out_link}}}}{way_out}"}
    )
    published = AccountSettingsPublished(
        occurred_at=AT,
        account_id="acme",
        epoch="0123456789abcdef",
        exempts_conversational=False,
        name="Acme",
        policy="append",
        instruction="Reply STOP to opt out",
        words={"*": ("stop",)},
    )
    account = PartitionAccountSettings()
    account.apply(DigestedAccountSettings(published, 1))
    account.apply(
        DigestedAccountSettings(
            ListPublished(
                occurred_at=AT, account_id="acme", list_id=request.list_id, epoch="0123456789abcdef", exists=True
            ),
            1,
        )
    )
    account.prove("0123456789abcdef", None)
    account_settings = {"acme": account.of("acme")}
    offers = [offered_by(request.body)]
    (judged,) = judge_all([request], offers, account_settings, makes_links=False)
    assert isinstance(judged, Rejection)
    assert judged.reason == "no_links"
    assert "STOPLINE_LINK_URL" in judged.detail
    assert judge_all([request], [offered_by(request.body, has_link=True)], account_settings, makes_links=True) == [
        request
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"link_url": "https://o.example"},
        {"link_key": SecretStr("the-link-key-of-these-tests")},
        {"link_url": "http://o.example", "link_key": SecretStr("the-link-key-of-these-tests")},
        {"link_url": "https://o.example/opt-out", "link_key": SecretStr("the-link-key-of-these-tests")},
        {"link_url": "https://o.example", "link_key": SecretStr("short")},
    ],
)
def test_half_of_the_settings_or_a_wrong_one_is_refused(
    given: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(f"STOPLINE_{name}", value)
    with pytest.raises(ValidationError, match=r"LINK|https|20 characters"):
        SenderSettings(**given)


async def test_the_token_of_a_message_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    links = LinkWriter("https://o.example", "the-link-key-of-this-test-alone", 6)
    before = link_token.cache_info().misses
    announced(with_place(), AT, AT, links)
    await sent_with(links, monkeypatch)
    assert link_token.cache_info().misses == before + 1
