"""The review by keyboard alone: a key decides, the next reply is there with its conversation, another key undoes."""

from functools import partial

import asyncpg
import pytest
from daily_work import DailyWork, eventually, some_phone
from playwright.async_api import expect
from shop_of_pages import new_account
from site_of_dashboard import NARROW, Site, assert_accessible, assert_fits

from harness.account import Account
from harness.sandbox.client import SandboxClient
from harness.stack.endpoints import Endpoints
from harness.stack.stack import Stack

FIRST, SECOND = "this is not Linda", "You have the wrong person <b>"


@pytest.fixture
def work(stack: Stack, ends: Endpoints, account: Account, sandbox: SandboxClient) -> DailyWork:
    return DailyWork(stack, ends, account, sandbox)


async def held(work: DailyWork) -> tuple[str, str]:
    """Have two replies held, and return who wrote them."""
    ann, bob = some_phone(), some_phone()
    await work.messaged(ann, bob)
    await work.replies(ann, FIRST)
    await eventually(partial(are_held, work, 1))
    await work.replies(bob, SECOND)
    await eventually(partial(are_held, work, 2))
    return ann, bob


async def are_held(work: DailyWork, count: int) -> bool:
    return len(await work.held()) == count


async def test_one_key_confirms_the_next_reply_is_there_and_another_key_undoes(site: Site, work: DailyWork) -> None:
    ann, _ = await held(work)
    async with site.visited("/review", work.account) as page:
        said = page.locator(".said")
        await expect(said).to_have_text(FIRST)
        await expect(page.locator("#held-title")).to_be_focused()
        await expect(page.get_by_role("region", name="The conversation")).to_contain_text("Acme: new boots are in")
        await assert_accessible(page)
        await page.keyboard.press("c")
        await expect(page.get_by_role("status")).to_contain_text("Confirmed")
        await expect(said).to_have_text(SECOND)
        await expect(page.locator("#held-title")).to_be_focused()
        await page.keyboard.press("r")
        await expect(page.get_by_text("All are decided")).to_be_visible()
        await page.keyboard.press("u")
        await expect(page.get_by_role("status")).to_contain_text("Undone")
        await expect(said).to_have_text(SECOND)
        await assert_accessible(page)
        await page.keyboard.press("u")
        await expect(page.locator(".waiting")).to_contain_text(SECOND)  # the older one is undone, and shown again
        await expect(said).to_have_text(FIRST)
    assert await work.states_of(ann) == ["held"]


async def test_a_release_comes_into_effect_when_its_time_is_over(site: Site, work: DailyWork) -> None:
    ann, _ = await held(work)
    async with site.visited("/review", work.account) as page:
        await page.keyboard.press("r")
        await expect(page.get_by_role("status")).to_contain_text("Released")
    # Half a minute later, which the test does not wait for: the time is moved.
    database = await asyncpg.connect(work.ends.optout_database_url)
    try:
        await database.execute("UPDATE review_decisions SET undo_until = now(), publish_at = now()")
    finally:
        await database.close()
    await eventually(partial(is_released, work, ann))


async def is_released(work: DailyWork, phone: str) -> bool:
    return await work.states_of(phone) == ["opted_in"]


async def test_keys_do_nothing_in_a_field_and_for_who_may_only_read(site: Site, work: DailyWork) -> None:
    await held(work)
    reader = await work.user("read")
    async with site.visited("/review", reader, size=NARROW) as page:
        await expect(page.locator(".said")).to_have_text(FIRST)
        await expect(page.get_by_role("button", name="It is an opt-out")).to_have_count(0)
        await page.keyboard.press("c")
        await assert_fits(page)
    assert [each["decided"] for each in await work.held()] == [None, None]


async def test_without_anything_held_it_says_so_and_others_replies_are_not_there(
    site: Site, work: DailyWork, ends: Endpoints, sandbox: SandboxClient
) -> None:
    await held(work)
    async with site.visited("/review", await new_account(ends, sandbox)) as page:
        await expect(page.get_by_text("Nothing waits for you")).to_be_visible()
        assert FIRST not in await page.inner_text("main")
