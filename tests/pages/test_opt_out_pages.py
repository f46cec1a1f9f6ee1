"""The opt-out list: who is on it and why, live; an opt-out entered by hand, and consent that ends one."""

import csv
import io
import time
from collections.abc import AsyncIterator

import pytest_asyncio
from list_world import ANN, BOB, CYD, Book
from playwright.async_api import expect
from shop_of_pages import SENDER, Shop
from site_of_dashboard import NARROW, Site, assert_accessible, assert_fits

from harness.account import Account
from harness.client import ApiClient
from harness.sandbox.client import SandboxClient
from harness.stack.endpoints import Endpoints
from harness.stack.stack import Stack

WITHIN_SECONDS = 2.0
FORMULA = '=HYPERLINK("http://evil","click")'


@pytest_asyncio.fixture(loop_scope="session")
async def book(ends: Endpoints, account: Account) -> AsyncIterator[Book]:
    book = Book(ends, account)
    yield book
    await book.close()


async def test_an_opt_out_by_a_reply_appears_without_a_reload(
    site: Site, stack: Stack, book: Book, api: ApiClient, sandbox: SandboxClient
) -> None:
    shop = Shop(stack, book.account, api, sandbox)
    list_id = await book.new_list("Newsletter", "+14155550801")
    await shop.sends(list_id, [801])
    async with site.visited("/opt-outs", book.account) as page:
        await expect(page.get_by_text("Nobody has opted out")).to_be_visible()
        await page.evaluate("window.kept = true")
        await page.get_by_label("Phone number").focus()
        began = time.monotonic()
        await shop.replies(ANN, "Stop, I said")
        row = page.get_by_role("row", name="+1 415 555 0801")
        await row.wait_for()
        took = time.monotonic() - began
        await expect(row).to_contain_text("Stop, I said")
        await expect(row).to_contain_text("Newsletter")
        await expect(row).to_contain_text("reply")
        await expect(row).to_contain_text(SENDER)
        await expect(page.get_by_label("Phone number")).to_be_focused()
        assert await page.evaluate("window.kept") is True
        assert took < WITHIN_SECONDS
        print(f"\na reply was on the opt-out list after {took:.2f} s")  # noqa: T201


async def test_an_opt_out_is_entered_by_hand_and_ended_by_consent(site: Site, book: Book) -> None:
    await book.is_in("US")
    list_id = await book.new_list("Newsletter", BOB)
    async with site.visited("/opt-outs", book.account, size=NARROW, complains_of=("422",)) as page:
        await page.get_by_role("button", name="Enter an opt-out").click()
        await page.get_by_label("Phone number").fill("415")
        await page.get_by_label("What they want no more of").select_option("List Newsletter")
        await page.get_by_label("How they said it").select_option("By mail")
        await page.get_by_label("What they said").fill("No more letters, please. <b>Bob</b>")
        await page.get_by_role("button", name="Opt out").click()
        await expect(page.get_by_label("Phone number")).to_have_attribute("aria-invalid", "true")
        await expect(page.get_by_label("What they said")).to_have_value("No more letters, please. <b>Bob</b>")
        await page.get_by_label("Phone number").fill("(415) 555-0802")
        await assert_accessible(page)
        await assert_fits(page)
        await page.get_by_role("button", name="Opt out").press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("+1 415 555 0802 gets no more messages.")
        assert await book.statuses(list_id) == {BOB: "opted_out"}
        row = page.get_by_role("row", name="+1 415 555 0802")
        await expect(row).to_contain_text("No more letters, please. <b>Bob</b>")
        await expect(row).to_contain_text("mail")
        await row.get_by_role("link", name="back in").press("Enter")
        await page.get_by_label("What they agreed to").fill(" ")
        await page.get_by_role("button", name="Opt back in").click()
        await expect(page.get_by_role("alert")).to_contain_text("Nothing was changed")
        assert await book.statuses(list_id) == {BOB: "opted_out"}
        await page.get_by_label("What they agreed to").fill("Bob called: he wants the newsletter again.")
        await assert_accessible(page)
        await assert_fits(page)
        await page.get_by_role("button", name="Opt back in").click()
        await expect(page.get_by_role("status")).to_contain_text("+1 415 555 0802 gets messages again.")
        assert await book.statuses(list_id) == {BOB: "active"}
        await page.get_by_role("status").get_by_role("link").click()
        await expect(page.locator(".story")).to_contain_text("Bob called: he wants the newsletter again.")


async def test_consent_for_an_opt_out_that_somebody_saw_lifts_no_later_one(site: Site, book: Book) -> None:
    list_id = await book.new_list("Newsletter", CYD)
    await book.opt_out(CYD, f"list:{list_id}")
    async with site.visited("/opt-outs", book.account) as page:
        await page.get_by_role("link", name="back in").click()
        await page.get_by_label("What they agreed to").fill("Cyd agreed")
        consent = {"phone": CYD, "scopes": [f"list:{list_id}"], "by": "bo", "statement": "yes", "source": "mail"}
        await book.post("/v1/opt-ins", consent)
        await book.opt_out(CYD, f"list:{list_id}")
        await page.get_by_role("button", name="Opt back in").click()
        await expect(page.get_by_role("status")).to_contain_text("has opted out again since you looked")
    assert await book.statuses(list_id) == {CYD: "opted_out"}


async def test_the_list_is_filtered_and_exported_as_it_is_filtered(site: Site, book: Book) -> None:
    list_id = await book.new_list("Newsletter", ANN, BOB)
    await book.opt_out(ANN, f"list:{list_id}", FORMULA)
    await book.opt_out(BOB, "account", "everything", "mail")
    async with site.visited("/opt-outs", book.account) as page:
        await expect(page.get_by_role("row", name="+1 415 555 0801")).to_contain_text(FORMULA)
        await expect(page.get_by_role("row", name="+1 415 555 0802")).to_contain_text("everything")
        await page.get_by_label("List").select_option("Newsletter")
        await page.get_by_role("button", name="Filter").click()
        await expect(page.get_by_role("row", name="+1 415 555 0802")).to_have_count(0)
        async with page.expect_download() as download:
            await page.get_by_role("link", name="Export as CSV").click()
        written = (await (await download.value).path()).read_text("utf-8-sig")
        (row,) = csv.DictReader(io.StringIO(written, newline=""))
        assert (row["phone"], row["list"], row["how"], row["text"]) == (ANN, "Newsletter", "phone_call", f"'{FORMULA}")
        await page.goto(f"{site.url}/opt-outs?source=import")
        await expect(page.get_by_text("Nobody was found")).to_be_visible()


async def test_consent_lifts_nothing_that_was_asked_for_after_it(site: Site, book: Book) -> None:
    list_id = await book.new_list("Newsletter", ANN)
    await book.opt_out(ANN, "account", "no more")
    async with site.visited(f"/numbers/{ANN}", book.account) as page:
        await page.get_by_role("link", name="Opt back in").click()
        await page.get_by_label("What they agreed to").fill("Yes, please")
        form = {each: await page.locator(f"main [name={each}]").input_value() for each in ("csrf", "scope", "lifts")}
        await book.opt_out(ANN, "account", "no more, I said")
        await page.get_by_role("button", name="Opt back in").click()
        await expect(page.get_by_role("status")).to_contain_text("has opted out after the consent")
        form |= {"phone": ANN, "statement": "Yes", "consented_on": "24/11/2026"}
        answer = await page.request.post(f"{site.url}/opt-outs/opt-in", form=form)
        assert (answer.status, "such as 2026-11-24" in await answer.text()) == (422, True)
    assert await book.statuses(list_id) == {ANN: "opted_out"}


async def test_an_address_that_was_tampered_with_is_refused_and_not_failed(site: Site, book: Book) -> None:
    for query, said in (("list_id=99999999", "there is no list"), ("phone=abc", "phone"), ("after=x", "after")):
        async with site.visited(f"/opt-outs?{query}", book.account, complains_of=("4",)) as page:
            await expect(page.get_by_role("alert")).to_contain_text(said)
