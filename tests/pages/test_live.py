"""What happens is on the page without a reload."""

import time

import pytest_asyncio
from playwright.async_api import expect
from shop_of_pages import Shop, phone
from site_of_dashboard import Site

from harness.account import Account
from harness.client import ApiClient
from harness.sandbox.client import SandboxClient
from harness.stack.stack import Stack

WITHIN_SECONDS = 2.0


@pytest_asyncio.fixture(loop_scope="session")
async def shop(stack: Stack, account: Account, api: ApiClient, sandbox: SandboxClient) -> Shop:
    shop = Shop(stack, account, api, sandbox)
    shop.lists.append(await api.create_list("Newsletter"))
    await api.add_contacts(shop.lists[0], [phone(700), phone(701)])
    await shop.sends(shop.lists[0], [700, 701])
    return shop


async def test_a_reply_on_a_phone_is_on_the_page_within_two_seconds(site: Site, shop: Shop) -> None:
    async with site.visited("/overview", shop.account) as page:
        await page.locator(".live.on").wait_for()
        await page.get_by_text("Nobody has opted out yet").wait_for()
        await page.evaluate("window.kept = true")
        began = time.monotonic()
        await shop.replies(phone(700), "STOP")
        row = page.get_by_role("row", name="+1 415 555 0700")
        await row.wait_for()
        took = time.monotonic() - began
        await expect(row).to_contain_text("opted out")
        await expect(row).to_contain_text("Newsletter")
        assert took < WITHIN_SECONDS
        print(f"\na reply was on the page after {took:.2f} s")  # noqa: T201
        opt_outs = page.locator(".stat", has_text="Opt-outs").locator("dd").first
        await expect(opt_outs).to_have_text("1")
        assert await page.evaluate("window.kept") is True


async def test_a_service_that_is_down_is_said_first_with_what_to_do(site: Site, stack: Stack, shop: Shop) -> None:
    async with site.visited("/overview", shop.account) as page:
        await page.get_by_text("All is well").wait_for()
        await stack.services["sender"].kill()
        try:
            first = page.locator(".notice.bad").first
            await expect(first).to_contain_text("sender cannot work", timeout=30_000)
            await expect(first).to_contain_text("stopline logs sender")
        finally:
            await stack.services["sender"].start()
        await page.get_by_text("All is well").wait_for()


async def test_a_page_comes_back_by_itself_after_the_dashboard_was_restarted(
    site: Site, stack: Stack, shop: Shop
) -> None:
    async with site.visited("/overview", shop.account, complains_of=("ERR_", "Failed to load", "[object")) as page:
        await page.locator(".live.on").wait_for()
        await stack.services["dashboard"].restart()
        await page.locator(".live.on").wait_for()
        await shop.replies(phone(701), "STOP")
        await page.get_by_role("row", name="+1 415 555 0701").wait_for()
