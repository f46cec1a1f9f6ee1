"""Parked records for operators: hostile bytes are text and nothing else, a record is replayed, another dropped."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from daily_work import SENDER, DailyWork, eventually, some_phone
from playwright.async_api import Page, expect
from site_of_dashboard import NARROW, Site, assert_accessible, assert_fits, assert_heading

from harness.account import Account
from harness.sandbox.client import SandboxClient
from harness.stack.endpoints import Endpoints
from harness.stack.stack import Stack
from shared.errors import PoisonError
from shared.events import codec
from shared.events.inbound import MessageReceived
from shared.parked_records import park
from shared.producer import Producer, send_parked
from shared.topics import INBOUND_MESSAGES

HOSTILE = "<img src=x onerror=alert(1)></script>\u202e".encode() + b'\x00\xff\x1b[31m"'


@pytest.fixture
def work(stack: Stack, ends: Endpoints, account: Account, sandbox: SandboxClient) -> DailyWork:
    return DailyWork(stack, ends, account, sandbox)


async def parked(work: DailyWork, value: bytes, phone: str) -> None:
    error = PoisonError("unknown_type", f"a newer version wrote {HOSTILE.decode(errors='replace')}")
    record = park(
        service="stopline/<b>", topic=INBOUND_MESSAGES, partition=0, offset=uuid4().int % 2**40, key=phone.encode(),
        value=value, headers=[("ce_type\u202e", HOSTILE)], error=error, now=datetime.now(UTC),
    )  # fmt: skip
    producer = Producer(work.stack.kafka_settings().kafka)
    try:
        await send_parked(producer, [record])
    finally:
        await producer.close()


async def unlocked(page: Page, work: DailyWork) -> None:
    assert work.ends.admin_token is not None
    await page.get_by_label("Operator's token").fill(work.ends.admin_token)
    await page.get_by_role("button", name="Show parked records").click()
    await assert_heading(page, "Parked records")


async def test_a_record_that_can_be_read_now_is_replayed_and_decided(site: Site, work: DailyWork) -> None:
    phone = some_phone()
    await work.messaged(phone)
    stop = MessageReceived(
        event_id=uuid4(), occurred_at=datetime.now(UTC), account_id=work.account.account_id, gateway="clicksend",
        phone=phone, sender_number=SENDER, body="STOP",
    )  # fmt: skip
    await parked(work, codec.encode(stop), phone)
    async with site.visited("/parked", work.account) as page:
        await unlocked(page, work)
        await page.get_by_role("table").get_by_role("link").first.click()
        await expect(page.get_by_role("region", name="As text")).to_contain_text('"body":"STOP"')
        await page.get_by_role("button", name="Replay").click()
        await page.get_by_role("dialog").get_by_role("button", name="Replay").click()
        await expect(page.get_by_role("status")).to_contain_text("The record is published again")
        await page.go_back()
        await page.reload()
        await expect(page.get_by_text("It was replayed by")).to_be_visible()

    async def has_opted_out() -> bool:
        return await work.states_of(phone) == ["opted_out"]

    await eventually(has_opted_out)


async def test_hostile_bytes_are_shown_as_text_and_dropped_with_a_reason(site: Site, work: DailyWork) -> None:
    await parked(work, HOSTILE, some_phone())
    async with site.visited("/parked", work.account, is_new=True) as page:
        page.on("dialog", lambda _: pytest.fail("a script of the record ran"))
        await unlocked(page, work)
        await assert_accessible(page)
        await expect(page.get_by_role("table").locator("img")).to_have_count(0)
        await page.get_by_role("table").get_by_role("link").first.click()
        text = page.get_by_role("region", name="As text").locator("pre")
        await expect(text).to_have_text(r'<img src=x onerror=alert(1)></script>\u202e\x00\xff\x1b[31m"')
        await expect(page.get_by_role("region", name="As bytes")).to_contain_text("3c 69 6d 67")
        assert "\u202e" not in await page.locator(".raw").first.inner_text()
        await expect(page.locator("main img, main script")).to_have_count(0)
        await assert_accessible(page)
        await page.get_by_role("button", name="Drop").click()
        dialog = page.get_by_role("dialog", name="Drop this record?")
        await dialog.get_by_role("button", name="Drop").click()
        await expect(dialog).to_be_visible()  # without a reason the form is not sent
        await dialog.get_by_label("Why").fill("A scanner")
        await dialog.get_by_role("button", name="Drop").click()
        await expect(page.get_by_role("status")).to_contain_text("The record is dropped")
        await page.get_by_role("link", name="Also settled ones").click()
        await page.get_by_role("table").get_by_role("link").first.click()
        await expect(page.get_by_text("A scanner")).to_be_visible()


async def test_only_the_operators_token_opens_them(site: Site, work: DailyWork) -> None:
    await parked(work, HOSTILE, some_phone())
    async with site.visited("/parked", work.account, size=NARROW, complains_of=("401",)) as page:
        await page.get_by_label("Operator's token").fill(work.account.api_key)
        await page.get_by_role("button", name="Show parked records").click()
        await expect(page.locator("#about-token")).to_contain_text("not the operator's token")
        await page.goto(f"{site.url}/parked/0")
        await assert_heading(page, "For operators")
        await assert_fits(page)
        await assert_accessible(page)
