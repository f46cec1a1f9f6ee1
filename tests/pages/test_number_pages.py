"""A number: found however it is written, why it gets nothing in the first line, its story, its proof, its end."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from list_world import ANN, BOB, Book
from playwright.async_api import expect
from shop_of_pages import Shop, new_account
from site_of_dashboard import NARROW, WIDE, Site, assert_accessible, assert_fits, assert_heading

from harness.account import Account
from harness.client import ApiClient
from harness.sandbox.client import SandboxClient
from harness.stack.endpoints import Endpoints
from harness.stack.stack import Stack


@pytest_asyncio.fixture(loop_scope="session")
async def book(ends: Endpoints, account: Account) -> AsyncIterator[Book]:
    book = Book(ends, account)
    yield book
    await book.close()


async def test_a_number_is_found_from_every_page_however_it_is_written(site: Site, book: Book) -> None:
    await book.is_in("US")
    async with site.visited("/lists", book.account) as page:
        for written in ("(415) 555-0801", "415/555/0801", "+1 415 555 0801", "0014155550801"):
            await page.goto(f"{site.url}/lists")
            await page.get_by_label("Find a number").fill(written)
            await page.keyboard.press("Enter")
            await assert_heading(page, "+1 415-555-0801")
            await expect(page.locator(".why")).to_contain_text("Nothing is known of this number")
            await expect(page).to_have_url(f"{site.url}/numbers/+14155550801")


async def test_what_is_not_a_number_is_said_at_the_field(site: Site, book: Book) -> None:
    async with site.visited("/numbers?q=ann", book.account, complains_of=("422",)) as page:
        await expect(page.get_by_label("Phone number")).to_have_attribute("aria-invalid", "true")
        await assert_accessible(page)


async def test_why_a_customer_gets_nothing_is_the_first_line_and_the_story_has_all(
    site: Site, stack: Stack, book: Book, api: ApiClient, sandbox: SandboxClient
) -> None:
    shop = Shop(stack, book.account, api, sandbox)
    list_id = await book.new_list("Newsletter", ANN)
    await book.new_list("Orders", ANN)
    await shop.sends(list_id, [801])
    await shop.replies(ANN, '<img src=x onerror="alert(1)">')
    await shop.replies(ANN, "Stop. I mean it")
    await opted_out(book)
    await shop.sends(list_id, [801])
    async with site.visited(f"/numbers/{ANN}", book.account) as page:
        first = page.locator("main .notice").first
        await expect(first).to_contain_text("This number gets messages from Orders, and none from Newsletter.")
        await expect(first).to_contain_text("they wrote Stop. I mean it")
        story = page.locator(".story > li")
        await expect(story.nth(0)).to_contain_text("A message was dropped, because the number had opted out")
        await expect(story.nth(1)).to_contain_text("They wrote, and opted out of list Newsletter.")
        await expect(story.nth(1)).to_contain_text("rule STOP, version 1")
        await expect(story.nth(2)).to_contain_text('They wrote.<img src=x onerror="alert(1)">')
        await expect(story.nth(3)).to_contain_text("A message was sent to list Newsletter.")
        await expect(story.nth(3)).to_contain_text("Reply STOP to opt out")
        await page.get_by_role("button", name="Verify").click()
        await expect(page.get_by_text("2 entries were checked: each is as it was written")).to_be_visible()
        await page.get_by_text("Which entries").click()
        await expect(page.get_by_role("table", name="Checked entries")).to_contain_text("as it was written")
        await assert_accessible(page)
        async with page.expect_download() as download:
            await page.get_by_role("button", name="Download the proof pack").click()
        pack = zipfile.ZipFile(io.BytesIO((await (await download.value).path()).read_bytes()))
        assert sorted(pack.namelist()) == ["chain.jsonl", "evidence.html", "evidence.json"]
    for size in (NARROW, WIDE):
        async with site.visited(f"/numbers/{ANN}", book.account, size=size, color_scheme="dark") as page:
            await assert_fits(page)
            await assert_accessible(page)


async def opted_out(book: Book) -> None:
    """Wait until a reply is decided."""
    async with asyncio.timeout(20):
        while not (await book.get("/v1/opt-outs"))["opt_outs"]:  # noqa: ASYNC110 (another process decides)
            await asyncio.sleep(0.05)


async def test_another_accounts_story_is_not_shown(site: Site, book: Book, sandbox: SandboxClient) -> None:
    theirs = Book(site.ends, await new_account(site.ends, sandbox))
    await theirs.new_list("Theirs", BOB)
    await theirs.opt_out(BOB, "account", "a secret")
    await theirs.close()
    async with site.visited(f"/numbers/{BOB}", book.account) as page:
        await expect(page.locator(".why")).to_contain_text("Nothing is known of this number")
        assert "secret" not in await page.content()
        assert "Theirs" not in await page.content()


async def test_a_person_is_erased_only_once_their_number_was_typed(site: Site, book: Book) -> None:
    list_id = await book.new_list("Newsletter", BOB)
    await book.opt_out(BOB, f"list:{list_id}", "leave me alone")
    async with site.visited(f"/numbers/{BOB}", book.account, complains_of=("422",)) as page:
        await page.get_by_role("link", name="Erase this person").click()
        await page.get_by_label("Reason").fill("asked by mail")
        await page.get_by_label("Type the number to confirm").fill("+14155550803")
        await page.get_by_role("button", name="Erase for good").click()
        await expect(page.get_by_label("Type the number to confirm")).to_have_attribute("aria-invalid", "true")
        assert BOB in await book.statuses(list_id)
        await page.get_by_label("Type the number to confirm").fill("+1 415 555 0802")
        await page.get_by_role("button", name="Erase for good").click()
        await expect(page.get_by_text("The person was erased.")).to_be_visible()
        assert await book.statuses(list_id) == {}
        await page.goto(f"{site.url}/numbers/{BOB}")
        await expect(page.locator(".why")).to_contain_text("gets no messages from")
        assert "leave me alone" not in await page.content()


@pytest.mark.parametrize("role", ["operate", "administer"])
async def test_erasing_is_for_the_account_itself(site: Site, book: Book, role: str) -> None:
    person = await book.user(role)
    async with site.visited(f"/numbers/{BOB}", person, complains_of=("403",)) as page:
        await expect(page.get_by_role("link", name="Erase this person")).to_have_count(0)
        token = await page.locator("form[action='/sign-out'] [name=csrf]").input_value()
        form = {"csrf": token, "typed": BOB, "reason": "x"}
        answer = await page.request.post(f"{site.url}/numbers/{BOB}/erase", form=form)
        assert answer.status == 403
