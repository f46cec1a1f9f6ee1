"""Rules as people write them: explained while they type, refused with the reason, tried on history, then in force."""

import re

import pytest
from daily_work import DailyWork, eventually, some_phone
from playwright.async_api import Page, expect
from shop_of_pages import new_account
from site_of_dashboard import NARROW, Site, assert_accessible, assert_fits, assert_heading

from harness.account import Account
from harness.sandbox.client import SandboxClient
from harness.stack.endpoints import Endpoints
from harness.stack.stack import Stack

WHILE_TYPING = ("htmx:sendAbort", "htmx:afterRequest", "429")
"""A question is given up for the next one while somebody types: htmx says so, and the API may be at the old one yet."""


@pytest.fixture
def work(stack: Stack, ends: Endpoints, account: Account, sandbox: SandboxClient) -> DailyWork:
    return DailyWork(stack, ends, account, sandbox)


async def write(page: Page, name: str, terms: str, action: str = "OPT_OUT") -> None:
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("… these words").fill(terms)
    await page.get_by_label("then", exact=True).select_option(action)


async def test_a_rule_explains_itself_while_it_is_written_and_then_decides_a_real_reply(
    site: Site, work: DailyWork
) -> None:
    phone = some_phone()
    await work.messaged(phone)
    async with site.visited("/rules/new", work.account, complains_of=WHILE_TYPING) as page:
        await write(page, "Boots", "no more boots")
        await page.get_by_label("Try it on these replies").fill("Please NO more boots\n<b>hello</b>")
        row = page.get_by_role("row", name="Please NO more boots")
        await expect(row.get_by_role("cell").nth(0)).to_have_text("matches")
        await expect(row.get_by_role("cell").nth(1)).to_contain_text("nothing")
        await expect(row.get_by_role("cell").nth(2)).to_contain_text("opt-out")
        await expect(row.locator("mark")).to_have_text("no more boots")
        await expect(page.get_by_role("row", name="<b>hello</b>")).to_contain_text("does not match")
        await expect(page.locator(".sentence")).to_contain_text("contains “no more boots” opts out of the list")
        await assert_accessible(page)
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("status")).to_contain_text("The rule is saved")
        await expect(page.get_by_role("row", name="Boots")).to_be_visible()
    await work.replies(phone, "No more boots, thank you")

    async def has_opted_out() -> bool:
        return await work.states_of(phone) == ["opted_out"]

    await eventually(has_opted_out)
    found = await work.ask("GET", f"/v1/opt-outs?phone=%2B{phone[1:]}")
    assert found["opt_outs"][0]["cause"]["rule"] == "Boots"


async def test_a_rule_that_would_answer_an_opt_out_is_refused_at_its_field_with_the_reason(
    site: Site, work: DailyWork
) -> None:
    async with site.visited("/rules/new", work.account, complains_of=(*WHILE_TYPING, "422")) as page:
        await write(page, "Bye", "stop", "AUTO_REPLY")
        await page.get_by_label("with", exact=True).fill("Sorry to see you go")
        problem = page.locator("#about-terms.problem")
        await expect(problem).to_contain_text("is an opt-out by the rule 'STOP', and an opt-out is never answered")
        await page.get_by_role("button", name="Save").click()
        await expect(problem).to_contain_text("never answered")
        await expect(page.get_by_label("… these words")).to_have_attribute("aria-invalid", "true")
        await expect(page.get_by_label("Name", exact=True)).to_have_value("Bye")
        await page.get_by_label("A reply that …").select_option("regex")
        await page.get_by_label("… these words").fill("boots(")
        await expect(problem).to_contain_text("boots(")
    assert "Bye" not in {each["rule_name"] for each in (await work.ask("GET", "/v1/rules"))["rules"]}


async def test_a_rule_is_tried_on_history_with_before_and_after(site: Site, work: DailyWork) -> None:
    phone = some_phone()
    await work.messaged(phone)
    await work.replies(phone, "When do you open?")
    async with site.visited("/rules/new", work.account, complains_of=WHILE_TYPING) as page:
        await write(page, "Open", "open")
        result = page.locator("section[data-state=done]")
        for _ in range(5):  # the reply is decided soon
            await page.get_by_role("button", name="Try on history").click()
            await expect(result).to_be_visible()
            if "1 of 1" in await result.inner_text():
                break
        row = result.get_by_role("row", name="When do you open?")
        await expect(row.get_by_role("cell")).to_have_text(["nothing", "opt-out"])
        await expect(result.get_by_role("status")).to_contain_text("1 match; 1 would be decided otherwise")
        await assert_accessible(page)


async def test_rules_are_switched_packs_added_and_a_rule_deleted_after_a_question(site: Site, work: DailyWork) -> None:
    async with site.visited("/rules", work.account) as page:
        await assert_accessible(page)
        await page.get_by_role("button", name="Add the pack Spanish").click()
        await expect(page.get_by_role("status")).to_contain_text("The pack's rules are yours now")
        await page.get_by_role("button", name="Switch off: HELP").click()
        help_rule = page.get_by_role("link", name="HELP", exact=True)
        await expect(page.get_by_role("row").filter(has=help_rule)).to_contain_text("off")
        await help_rule.click()
        await page.get_by_role("button", name="Delete the rule").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text("Delete “HELP”?")
        await dialog.get_by_role("button", name="Delete the rule").click()
        await expect(page.get_by_role("status")).to_contain_text("The rule is deleted")
        await expect(help_rule).to_have_count(0)


async def test_roles_see_rules_and_only_administrators_change_them(site: Site, work: DailyWork) -> None:
    reader = await work.user("read")
    async with site.visited("/rules", reader) as page:
        await expect(page.get_by_role("link", name="STOP", exact=True)).to_be_visible()
        await expect(page.get_by_role("button", name=re.compile("Switch"))).to_have_count(0)
        await page.get_by_role("link", name="STOP", exact=True).click()
        await expect(page.get_by_text("Your role may look at rules")).to_be_visible()
        await expect(page.get_by_role("button", name="Save")).to_have_count(0)
    async with site.visited("/rules", await work.user("administer"), complains_of=("403",)) as page:
        await expect(page.get_by_role("link", name="How far opt-outs reach")).to_have_count(0)
        await page.goto(f"{site.url}/policies")
        await assert_heading(page, "This is for the account itself")


async def test_another_accounts_rule_is_not_found(site: Site, work: DailyWork, ends: Endpoints) -> None:
    theirs = {"rule_name": "Theirs", "match": "contains", "terms": ["theirs"], "action": "OPT_OUT"}
    rule_id = (await work.ask("POST", "/v1/rules", theirs))["inbound_rule_id"]
    stranger = await new_account(ends, work.sandbox)
    async with site.visited(f"/rules/{rule_id}", stranger, complains_of=("404",)) as page:
        await assert_heading(page, "This was not found")


async def test_who_would_stop_getting_what_by_a_policy_is_shown_before_it_is_saved(site: Site, work: DailyWork) -> None:
    phone = some_phone()
    list_id = await work.messaged(phone)
    await work.new_list("Order updates", phone)
    await work.replies(phone, "STOP")
    async with site.visited("/policies", work.account) as page:
        await page.get_by_label("Country").fill("US")
        await page.get_by_label("An opt-out ends").select_option("account")
        ask = page.get_by_role("button", name="Who would stop getting what?")
        for _ in range(20):  # the STOP is decided soon
            async with page.expect_response("**/policies/simulate"):
                await ask.click()
            if await page.get_by_role("link", name="Order updates").count():
                break
        row = page.get_by_role("table", name="Recipients").get_by_role("row").nth(1)
        await expect(row).to_contain_text(f"list:{list_id}")
        await expect(row).to_contain_text("Order updates")
        await assert_accessible(page)
        await page.get_by_label("Why").fill("Our lawyers say so")
        await page.get_by_role("button", name="Save this version").click()
        await expect(page.get_by_role("status")).to_contain_text("The policy is saved")
        await expect(page.get_by_role("table", name="Versions")).to_contain_text("Our lawyers say so")


async def test_the_editor_fits_a_phone_and_works_without_scripts(site: Site, work: DailyWork) -> None:
    async with site.visited("/rules/new", work.account, size=NARROW, complains_of=WHILE_TYPING) as page:
        await expect(page.get_by_role("heading", name="What it would do")).to_be_visible()
        await assert_fits(page)
    async with site.visited("/rules/new", work.account, java_script_enabled=False) as page:
        await write(page, "Boots", "no more boots")
        await page.get_by_role("button", name="Explain").click()
        await expect(page.locator(".sentence")).to_contain_text("contains “no more boots”")
        await expect(page.get_by_label("Name", exact=True)).to_have_value("Boots")
