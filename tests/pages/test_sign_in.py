"""Signing in and out, roles, and what somebody gets to see who has no session, or another account's."""

import re

import httpx
from playwright.async_api import expect
from site_of_dashboard import NARROW, Site, assert_accessible, assert_fits, assert_heading

from harness.account import Account
from harness.stack.endpoints import Endpoints


async def made_user(ends: Endpoints, account: Account, role: str) -> Account:
    async with httpx.AsyncClient() as http:
        answer = await http.post(
            f"{ends.api_url}/v1/users",
            json={"user": f"{role}.user", "role": role},
            auth=(account.account_id, account.api_key),
        )
    assert answer.status_code == 201, answer.text
    return Account(f"{role}.user", answer.json()["api_key"], "")


def token_of(html: str) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', html)
    assert found is not None
    return found[1]


async def test_somebody_signs_in_with_the_keyboard_alone_and_out_again(site: Site, account: Account) -> None:
    async with site.visited("/overview", None) as page:
        await assert_heading(page, "Sign in")
        await page.get_by_label("Account id or user name").focus()
        await page.keyboard.type(account.account_id)
        await page.keyboard.press("Tab")
        await page.keyboard.type(account.api_key)
        await page.keyboard.press("Enter")
        await assert_heading(page, "Overview")
        (cookie,) = [each for each in await page.context.cookies() if "session" in each["name"]]
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await page.get_by_role("button", name="Sign out").press("Enter")
        await assert_heading(page, "Sign in")
        await page.context.add_cookies([{"name": cookie["name"], "value": cookie["value"], "url": site.url}])
        await page.goto(f"{site.url}/overview")
        await assert_heading(page, "Sign in")  # the session has ended at the API, too


async def test_a_wrong_key_is_said_and_what_was_typed_stays(site: Site, account: Account) -> None:
    async with site.visited("/sign-in", None, size=NARROW, is_new=True, complains_of=("401",)) as page:
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            await page.goto(f"{site.url}/sign-in")
            await page.get_by_label("Account id or user name").fill(account.account_id)
            await page.get_by_label("API key").fill("wrong")
            await page.get_by_role("button", name="Sign in").click()
            await expect(page.get_by_role("alert")).to_contain_text("wrong")
            await expect(page.get_by_label("Account id or user name")).to_have_value(account.account_id)
            await assert_accessible(page)
            await assert_fits(page)


async def test_a_form_from_elsewhere_changes_nothing(site: Site, account: Account) -> None:
    async with site.visited("/overview", account) as page:
        (cookie,) = [each for each in await page.context.cookies() if "session" in each["name"]]
        async with httpx.AsyncClient(cookies={cookie["name"]: cookie["value"]}) as http:
            for token, site_header in (("", ""), ("0" * 64, ""), (token_of(await page.content()), "cross-site")):
                headers = {"Sec-Fetch-Site": site_header} if site_header else {}
                answer = await http.post(f"{site.url}/sign-out", data={"csrf": token}, headers=headers)
                assert answer.status_code == 403
        await page.reload()
        await assert_heading(page, "Overview")


async def test_every_answer_has_a_strict_policy_and_is_not_kept(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.url) as http:
        for path in ("/sign-in", "/overview", "/nothing", "/health/live"):
            headers = (await http.get(path)).headers
            assert "default-src 'none'; script-src 'self'; style-src 'self'" in headers["Content-Security-Policy"]
            assert "unsafe" not in headers["Content-Security-Policy"]
            assert headers["X-Frame-Options"] == "DENY"
            assert headers["Cache-Control"] == "no-store"


async def test_a_policy_keeps_foreign_scripts_and_styles_out(site: Site, account: Account) -> None:
    async with site.visited("/overview", account, complains_of=("Content Security Policy", "violates")) as page:
        ran = await page.evaluate(
            """() => { const s = document.createElement('script'); s.textContent = 'window.ran = true';
            document.head.append(s); return window.ran === true }"""
        )
        assert ran is False


async def test_a_reader_sees_the_overview_without_any_right_to_change(
    site: Site, ends: Endpoints, account: Account
) -> None:
    reader = await made_user(ends, account, "read")
    async with site.visited("/overview", reader) as page:
        await assert_heading(page, "Overview")
        await page.get_by_text("From reply to effect").wait_for()


async def test_a_page_that_is_not_there_leads_on(site: Site, account: Account) -> None:
    async with site.visited("/nothing", account, complains_of=("404",)) as page:
        await assert_heading(page, "There is no such page")
        await assert_accessible(page)
        await page.get_by_role("link", name="To the overview").click()
        await assert_heading(page, "Overview")
