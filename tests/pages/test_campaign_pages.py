"""Campaigns as people send them: measured and judged while they are written, followed live, paused, cancelled."""

import pytest
from daily_work import SENDER, DailyWork, some_phone
from playwright.async_api import expect
from shop_of_pages import new_account
from site_of_dashboard import NARROW, Site, assert_accessible, assert_fits, assert_heading

from harness.account import Account
from harness.sandbox.client import SandboxClient
from harness.stack.endpoints import Endpoints
from harness.stack.stack import Stack

WHILE_TYPING = ("htmx:sendAbort", "htmx:afterRequest")


@pytest.fixture
def work(stack: Stack, ends: Endpoints, account: Account, sandbox: SandboxClient) -> DailyWork:
    return DailyWork(stack, ends, account, sandbox)


async def test_a_text_is_measured_and_judged_while_it_is_written_and_then_sent(site: Site, work: DailyWork) -> None:
    phones = [some_phone() for _ in range(3)]
    await work.new_list("Spring", *phones)
    async with site.visited("/campaigns/new", work.account, complains_of=(*WHILE_TYPING, "422")) as page:
        await page.get_by_label("Name", exact=True).fill("Boots")
        await page.get_by_label("To the list").select_option(label="Spring")
        await page.get_by_label("From", exact=True).fill(SENDER)
        text, preview = page.get_by_label("Text", exact=True), page.locator("#preview")
        await text.fill("Boots!")
        await expect(preview).to_contain_text("it does not say how to opt out")
        await page.get_by_role("button", name="Send or schedule").click()
        await expect(page.locator("#about-body.problem")).to_contain_text("it does not say how to opt out")
        await text.fill("Hi (First Name), \u0142oots! Reply STOP to opt out")
        await expect(preview).to_contain_text("It says how to opt out, and that works.")
        await expect(preview).to_contain_text("UCS-2")
        await expect(preview).to_contain_text("because of: \u0142")
        await text.fill("Hi (First Name), boots! Reply STOP to opt out")
        await expect(preview).to_contain_text("GSM-7")
        await expect(preview.locator(".examples").get_by_text("Hi Ann, boots!").first).to_be_visible()
        await expect(preview.locator(".stat").nth(2)).to_contain_text("3")
        await assert_accessible(page)
        await page.get_by_role("button", name="Send or schedule").click()
        await assert_heading(page, "Send this campaign now?")
        assert (await work.ask("GET", "/v1/campaigns"))["campaigns"] == []
        await assert_accessible(page)
        await page.get_by_role("button", name="Back to the text").click()
        await expect(text).to_have_value("Hi (First Name), boots! Reply STOP to opt out")
        await page.get_by_role("button", name="Send or schedule").click()
        await expect(page.locator(".bubble")).to_have_text("Hi Ann, boots! Reply STOP to opt out")
        await page.get_by_role("button", name="Send to 3 people now").press("Enter")
        await expect(page.get_by_role("status").first).to_contain_text("The campaign is made")
        await expect(page.locator("#campaign-progress[data-state=done]")).to_contain_text("3 of 3", timeout=20_000)
        await assert_accessible(page)
    for phone in phones:
        await work.sandbox.wait_for_message(phone)


async def test_one_is_paused_resumed_and_cancelled_after_a_question(site: Site, work: DailyWork) -> None:
    list_id = await work.new_list("Spring", some_phone())
    body = "Boots! Reply STOP to opt out"
    later = {"list_id": list_id, "name": "Later", "sender_number": SENDER, "body": body}
    made = await work.ask("POST", "/v1/campaigns", {**later, "scheduled_at": "2027-11-01T09:00:00Z"})
    async with site.visited(f"/campaigns/{made['campaign_id']}", work.account) as page:
        await page.get_by_role("button", name="Pause").click()
        await expect(page.get_by_role("status").first).to_contain_text("Paused")
        await expect(page.locator("#campaign-progress")).to_have_attribute("data-state", "paused")
        await page.get_by_role("button", name="Resume").click()
        await expect(page.locator("#campaign-progress")).to_have_attribute("data-state", "scheduled")
        await page.get_by_role("button", name="Cancel the campaign").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Cancel", exact=True).click()
        await page.get_by_role("button", name="Cancel the campaign").click()
        await dialog.get_by_role("button", name="Cancel the campaign").click()
        await expect(page.locator("#campaign-progress")).to_have_attribute("data-state", "cancelled")
        await expect(page.get_by_role("button", name="Cancel the campaign")).to_have_count(0)
        await page.get_by_role("link", name="All campaigns").click()
        await expect(page.get_by_role("row", name="Later")).to_contain_text("cancelled")


async def test_a_form_that_is_sent_twice_makes_one_campaign(site: Site, work: DailyWork) -> None:
    await work.new_list("Spring", some_phone())
    async with site.visited("/campaigns/new", work.account, java_script_enabled=False) as page:
        await page.get_by_label("Name", exact=True).fill("Once")
        await page.get_by_label("To the list").select_option(label="Spring")
        await page.get_by_label("From", exact=True).fill(SENDER)
        await page.get_by_label("Text", exact=True).fill("Boots! Reply STOP to opt out")
        await page.get_by_label("Starts").fill("2027-11-01T09:00")
        form: dict[str, str | float | bool] = {
            name: await page.locator(f"form#campaign-form [name={name}]").input_value()
            for name in ("csrf", "key", "name", "list_id", "sender_number", "body", "scheduled_at", "purpose")
        }
        await page.get_by_role("button", name="Send or schedule").click()
        await expect(page.get_by_role("button", name="Schedule for 2027-11-01 09:00 UTC")).to_be_visible()
        form["is_sure"] = "yes"
        for _ in range(2):
            answer = await page.request.post(f"{site.url}/campaigns/new", form=form)
            assert answer.ok
    (made,) = (await work.ask("GET", "/v1/campaigns"))["campaigns"]
    assert made["scheduled_at"] == "2027-11-01T09:00:00.000000Z"


async def test_readers_look_on_and_other_accounts_find_nothing(
    site: Site, work: DailyWork, ends: Endpoints, sandbox: SandboxClient
) -> None:
    list_id = await work.new_list("Spring", some_phone())
    body = "Boots! Reply STOP to opt out"
    later = {"list_id": list_id, "name": "Later", "sender_number": SENDER, "body": body}
    made = await work.ask("POST", "/v1/campaigns", {**later, "scheduled_at": "2027-11-01T09:00:00Z"})
    path = f"/campaigns/{made['campaign_id']}"
    async with site.visited(path, await work.user("read"), size=NARROW) as page:
        await expect(page.locator("#campaign-progress")).to_be_visible()
        await expect(page.get_by_role("button", name="Pause")).to_have_count(0)
        await assert_fits(page)
    async with site.visited(path, await new_account(ends, sandbox), complains_of=("404",)) as page:
        await assert_heading(page, "This was not found")
