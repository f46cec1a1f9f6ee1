"""Lists as people work with them: contacts found and added, files imported with their bad rows, clean-ups undone."""

import re
from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio
from list_world import ANN, BOB, CYD, DAN, Book
from playwright.async_api import expect
from shop_of_pages import new_account
from site_of_dashboard import NARROW, Site, assert_accessible, assert_fits, assert_heading

from harness.account import Account
from harness.sandbox.client import SandboxClient
from harness.stack.endpoints import Endpoints


@pytest_asyncio.fixture(loop_scope="session")
async def book(ends: Endpoints, account: Account) -> AsyncIterator[Book]:
    book = Book(ends, account)
    yield book
    await book.close()


async def test_lists_are_there_at_once_and_their_counts_follow(site: Site, book: Book) -> None:
    list_id = await book.new_list("Newsletter", ANN, BOB, CYD)
    await book.opt_out(BOB, f"list:{list_id}")
    async with site.visited("/lists", book.account, complains_of=("422",)) as page:
        await expect(page.get_by_role("row", name="Newsletter")).to_contain_text(re.compile(r"3\s*2\s*1\s*0"))
        await page.get_by_label("Name of a new list").fill("VIP")
        await page.keyboard.press("Enter")
        await assert_heading(page, "VIP")
        await page.goto(f"{site.url}/lists")
        await page.get_by_label("Name of a new list").fill("VIP")
        async with page.expect_response("**/lists") as answer:
            await page.get_by_role("button", name="Add list").click()
        assert (await answer.value).status == 422
        await expect(page.get_by_role("alert")).to_contain_text("there is a list named 'VIP'")


async def test_contacts_are_found_by_number_name_and_state_and_added_by_hand(site: Site, book: Book) -> None:
    await book.is_in("US")
    ann = {"phone": ANN, "fields": {"first_name": "Ann", "last_name": "Smith", "city": "<b>Rome</b>"}}
    list_id = await book.new_list("Newsletter", ann, BOB)
    await book.opt_out(BOB, "account")
    async with site.visited(f"/lists/{list_id}", book.account, complains_of=("422",)) as page:
        await expect(page.get_by_role("row", name="Ann Smith")).to_contain_text("gets messages")
        await expect(page.get_by_role("row", name="Ann Smith")).to_contain_text("<b>Rome</b>")
        await page.get_by_label("Number, name or e-mail address").fill("(415) 555-0802")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("row", name="+1 415 555 0802")).to_contain_text("opted out")
        await expect(page.get_by_role("row", name="Ann Smith")).to_have_count(0)
        await page.goto(f"{site.url}/lists/{list_id}?q=nobody+at+all")
        await expect(page.get_by_text("Nobody was found")).to_be_visible()
        await page.get_by_text("Add a contact by hand").click()
        await page.get_by_label("Phone number").fill("12")
        async with page.expect_response("**/lists/*") as answer:
            await page.get_by_role("button", name="Add contact").click()
        assert (await answer.value).status == 422
        await expect(page.get_by_label("Phone number")).to_have_attribute("aria-invalid", "true")
        await page.get_by_label("Phone number").fill("415-555-0803")
        await page.get_by_role("button", name="Add contact").click()
        await expect(page.get_by_role("status")).to_contain_text("+1 415 555 0803 is on this list now")
    assert CYD in await book.statuses(list_id)


CONTENT = f"""Mobile,First name,Comment
{ANN},Ann,"=HYPERLINK(""http://evil"")"
1.4155E+10,Bob,
nobody,Cyd,<script>alert(1)</script>
{DAN},Dan,
"""


async def test_a_file_is_imported_after_its_columns_were_seen_and_its_bad_rows_are_named(
    site: Site, book: Book
) -> None:
    list_id = await book.new_list("Newsletter")
    file = {"name": "contacts.csv", "mimeType": "text/csv", "buffer": CONTENT.encode("utf-16")}
    async with site.visited(
        f"/lists/{list_id}", book.account, size=NARROW, color_scheme="dark", complains_of=("422",)
    ) as page:
        await page.get_by_role("button", name="Import a CSV").click()
        await page.get_by_label("File").set_input_files(files=[file])  # type: ignore[list-item]
        await page.get_by_role("button", name="Show the first rows").click()
        await expect(page.get_by_label("Mobile")).to_have_value("phone")
        await expect(page.get_by_label("First name")).to_have_value("first_name")
        await expect(page.get_by_role("cell", name='=HYPERLINK("http://evil")')).to_be_visible()
        await expect(page.get_by_role("cell", name="<script>alert(1)</script>")).to_be_visible()
        await assert_accessible(page)
        await assert_fits(page)
        await page.get_by_label("Mobile").select_option("skip")
        async with page.expect_response("**/import/*") as answer:
            await page.get_by_role("button", name="Import", exact=True).click()
        assert (await answer.value).status == 422
        await expect(page.get_by_role("alert")).to_contain_text("name the column of the phone number")
        await page.get_by_label("Mobile").select_option("phone")
        await page.get_by_label("Comment").select_option("custom_1")
        await page.get_by_role("button", name="Import", exact=True).click()
        await expect(page.get_by_text("2 contacts were added. 2 rows could not be read")).to_be_visible()
        bad = page.get_by_role("table", name="Rows that could not be read")
        await expect(bad.get_by_role("row")).to_have_count(3)
        await expect(bad).to_contain_text("a spreadsheet has rounded")
        await assert_accessible(page)
        await assert_fits(page)
        await page.goto(f"{site.url}/lists/{list_id}/import")
        await page.get_by_role("table", name="Imports").get_by_role("link").click()
        await expect(page.get_by_text("2 contacts were added")).to_be_visible()
    assert await book.statuses(list_id) == {ANN: "active", DAN: "active"}


async def test_a_file_that_is_none_is_refused_with_what_is_wrong(site: Site, book: Book) -> None:
    list_id = await book.new_list("Newsletter")
    async with site.visited(f"/lists/{list_id}/import", book.account, complains_of=("422",)) as page:
        for content in (b"", b'a,"b', b"\x00\x01\x02"):
            await page.goto(f"{site.url}/lists/{list_id}/import")
            file = {"name": "contacts.csv", "mimeType": "text/csv", "buffer": content}
            await page.get_by_label("File").set_input_files(files=[file])  # type: ignore[list-item]
            await page.get_by_role("button", name="Show the first rows").click()
            await expect(page.get_by_role("alert")).to_contain_text("The file was not taken")


async def test_a_clean_up_counts_first_asks_and_can_be_undone(site: Site, book: Book) -> None:
    other = await book.new_list("Orders", ANN)
    list_id = await book.new_list("Newsletter", ANN, BOB, "+14155550")
    await book.opt_out(ANN, f"list:{other}")
    async with site.visited(f"/lists/{list_id}/clean-up", book.account) as page:
        await page.get_by_role("button", name="Count them first").click()
        counted = page.get_by_role("table", name="What would be removed")
        await expect(counted.get_by_role("row", name="Remove opt-outs")).to_contain_text("1")
        await expect(counted.get_by_role("row", name="Remove invalid numbers")).to_contain_text("1")
        await page.get_by_role("button", name="Remove 2 contacts").press("Enter")
        dialog = page.get_by_role("dialog", name="Remove 2 contacts?")
        await assert_accessible(page)
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        assert len(await book.statuses(list_id)) == 3
        await page.get_by_role("button", name="Remove 2 contacts").click()
        await dialog.get_by_role("button", name="Remove 2 contacts").click()
        await expect(page.get_by_text("Clean-up is done.")).to_be_visible()
        await assert_accessible(page)
        assert await book.statuses(list_id) == {ANN: "opted_out", BOB: "active"}
        await page.get_by_role("button", name="Undo").click()
        await page.get_by_role("dialog").get_by_role("button", name="Undo").click()
        await expect(page.get_by_text("Undo of a clean-up is done.")).to_be_visible()
        assert await book.statuses(list_id) == {ANN: "active", BOB: "active", "+14155550": "active"}
        await page.goto(f"{site.url}/lists/{list_id}/clean-up")
        await expect(page.get_by_role("table", name="Clean-ups").get_by_role("row", name="undone")).to_be_visible()


async def test_a_clean_up_while_another_one_runs_says_so(site: Site, ends: Endpoints, book: Book) -> None:
    list_id = await book.new_list("Newsletter", ANN, ANN.replace("0801", "0899"))
    connection = await asyncpg.connect(ends.optout_database_url)
    try:
        await connection.execute(_RUNNING, book.account.account_id, list_id)
        async with site.visited(f"/lists/{list_id}/clean-up", book.account, complains_of=("409",)) as page:
            await expect(page.get_by_text("A clean-up of this list is running.")).to_be_visible()
            await page.evaluate(
                "document.querySelectorAll('form[method=get] input').forEach(e => { e.checked = true; })"
            )
            answer = await page.request.post(
                f"{site.url}/lists/{list_id}/clean-up",
                form={
                    "what": "invalid",
                    "same": "phone",
                    "csrf": await page.locator("[name=csrf]").first.input_value(),
                },
            )
            assert answer.status == 409
            assert "Another one is running" in await answer.text()
    finally:
        await connection.execute("DELETE FROM jobs WHERE list_id = $1", list_id)
        await connection.close()


_RUNNING = """
INSERT INTO jobs (job_id, account_id, kind, list_id, exclusive_key, state, input, claimable_at)
VALUES (gen_random_uuid(), $1, 'clean_up', $2, 'clean-up:' || $2::bigint, 'running', '{}', now() + interval '1 hour')
"""


async def test_another_accounts_list_is_not_found(
    site: Site, ends: Endpoints, book: Book, sandbox: SandboxClient
) -> None:
    theirs = Book(ends, await new_account(ends, sandbox))
    list_id = await theirs.new_list("Theirs", ANN)
    await theirs.close()
    async with site.visited("/lists", book.account, complains_of=("404",)) as page:
        for path in ("", "/import", "/clean-up", "/export.csv"):
            answer = await page.request.get(f"{site.url}/lists/{list_id}{path}")
            assert answer.status == 404, path
            assert "Theirs" not in await answer.text()


async def test_a_reader_sees_no_button_and_whatever_they_send_is_refused(site: Site, book: Book) -> None:
    list_id = await book.new_list("Newsletter", ANN)
    reader = await book.user("read")
    async with site.visited(f"/lists/{list_id}", reader) as page:
        await expect(page.get_by_role("row", name="+1 415 555 0801")).to_be_visible()
        assert await page.locator("main form[method=post], main a[role=button]").count() == 0
        token = await page.locator("form[action='/sign-out'] [name=csrf]").input_value()
        for path in (f"/lists/{list_id}", "/lists", f"/lists/{list_id}/clean-up", "/opt-outs/new", "/opt-outs/opt-in"):
            answer = await page.request.post(f"{site.url}{path}", form={"csrf": token, "phone": BOB, "name": "x"})
            assert answer.status == 403, path
        for path in ("/lists", f"/lists/{list_id}/clean-up", "/opt-outs", f"/numbers/{ANN}"):
            await page.goto(f"{site.url}{path}")
            assert await page.locator("main form[method=post], main button[type=submit].danger").count() == 0, path
    assert await book.statuses(list_id) == {ANN: "active"}
