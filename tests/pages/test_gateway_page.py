"""The gateways: the address that works, what was heard last, and that no secret but the address is shown."""

import httpx
import pytest
from daily_work import DailyWork, some_phone
from playwright.async_api import expect
from site_of_dashboard import NARROW, Site, assert_accessible, assert_fits

from harness.account import Account
from harness.sandbox.client import SandboxClient
from harness.stack.endpoints import Endpoints
from harness.stack.stack import Stack


@pytest.fixture
def work(stack: Stack, ends: Endpoints, account: Account, sandbox: SandboxClient) -> DailyWork:
    return DailyWork(stack, ends, account, sandbox)


async def test_a_reply_that_is_posted_to_the_shown_address_is_shown_as_heard(site: Site, work: DailyWork) -> None:
    async with site.visited("/gateways", work.account) as page:
        await expect(page.get_by_text("Replies can be received.")).to_be_visible()
        await expect(page.get_by_text("No gateway has been heard from")).to_be_visible()
        await page.get_by_text("Plivo", exact=True).click()
        await expect(page.get_by_label("Address for receipts").locator("visible=true")).to_have_value(
            page_value := (await page.locator("#url-plivo").input_value()) + "/receipts"
        )
        assert page_value.endswith("/receipts")
        await page.get_by_text("ClickSend", exact=True).click()
        address = await page.locator("#url-clicksend").input_value()
        assert address == work.account.webhook_url
        async with httpx.AsyncClient() as http:
            posted = await http.post(address, data={"from": some_phone(), "to": "+18335550188", "body": "hello"})
        assert posted.status_code == 200
        heard = page.get_by_role("region", name="ClickSend")
        for _ in range(50):
            await page.reload()
            if await heard.count():
                break
        await expect(heard).to_contain_text("Last webhook")
        await expect(heard.locator("time").first).to_be_visible()
        await assert_accessible(page)
        text = await page.content()
    secrets = await work.ask("GET", "/v1/webhook")
    assert secrets["signing_secret"] not in text
    assert work.account.api_key not in text


async def test_an_address_is_copied_by_a_button_or_selected_where_no_script_runs(site: Site, work: DailyWork) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    async with site.visited("/gateways", work.account, permissions=permissions) as page:
        await page.get_by_text("Twilio", exact=True).click()
        await page.locator("[data-copies=url-twilio]").click()
        await expect(page.locator("[data-copies=url-twilio]")).to_have_text("Copied")
        assert "/webhooks/twilio/" in await page.evaluate("navigator.clipboard.readText()")
    async with site.visited("/gateways", work.account, java_script_enabled=False) as page:
        await page.get_by_text("Twilio", exact=True).click()
        await expect(page.locator("#url-twilio")).to_have_attribute("readonly", "")
        await expect(page.locator("[data-copies=url-twilio]")).to_be_hidden()


async def test_who_may_only_read_sees_no_address(site: Site, work: DailyWork) -> None:
    async with site.visited("/gateways", await work.user("read"), size=NARROW) as page:
        await expect(page.get_by_text("Whoever administers the account sees the addresses")).to_be_visible()
        assert "/webhooks/" not in await page.content()
        await assert_fits(page)
