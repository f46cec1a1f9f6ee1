"""The page of phones, by somebody who tries it on a stack in the background: every answer is the real stack's."""

import os
import re
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from page_of_phones import EVERY_STEP, MILLISECONDS, PhonesInBrowser, open_phones
from playwright.async_api import Browser, async_playwright, expect
from shell import Shell

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None and "STOPLINE_REQUIRE_CHROMIUM" not in os.environ,
    reason="there is no Chromium on this machine: apt-get install chromium",
)


@pytest.fixture(scope="module")
def url(shell: Shell) -> str:
    assert shell.run("up").returncode == 0
    found: str = shell.status()["phones_url"]
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def phones(browser: Browser, url: str) -> AsyncIterator[PhonesInBrowser]:
    async with open_phones(browser, url) as phones:
        yield phones


async def test_a_stop_on_a_phone_drops_the_next_message_of_that_list_alone_with_each_steps_milliseconds(
    phones: PhonesInBrowser,
) -> None:
    await phones.send("Summer sale")
    await expect(phones.received("Ada")).to_have_count(1)
    await phones.phone("Ada").get_by_role("textbox").fill("STOP")
    await phones.page.keyboard.press("Enter")
    journey = phones.journey("Ada", "STOP")
    await expect(journey.locator(".effect")).to_contain_text("opted out of Summer sale in ")
    await journey.get_by_role("button", name="Send the next message").click()
    await expect(journey.locator(".steps > li.done")).to_have_count(len(EVERY_STEP))
    steps = await phones.steps("Ada", "STOP")
    assert list(steps) == EVERY_STEP
    assert [took for took in steps.values() if not MILLISECONDS.match(took)] == []
    fence = journey.locator("[data-step=fence]")
    await fence.locator("summary").click()
    await expect(fence.locator(".measured")).to_contain_text("decision_started_at")
    await expect(phones.phone("Ada").locator(".hush")).to_have_text("1 dropped before it got here")
    await expect(phones.page.locator("#guide li.done")).to_have_count(3)
    await expect(phones.phone("Ada").locator(".memberships .opted_out")).to_have_text("Summer sale opted out")
    await phones.send("Order updates")
    await expect(phones.received("Ada")).to_have_count(2)
    assert await phones.count("sent after a STOP") == 0


@pytest.mark.parametrize(
    ("words", "effect"),
    [
        ("please stop texting me", "opted out of Book club"),
        ("START", "back on Book club"),
        ("Stop by tomorrow?", "nothing follows"),
    ],
)
async def test_suggested_words_are_understood(phones: PhonesInBrowser, words: str, effect: str) -> None:
    if words == "please stop texting me":
        await phones.send("Book club")
        await expect(phones.received("Farah").last).to_contain_text("Book club")
    await phones.reply("Farah", words)
    await expect(phones.journey("Farah", words).locator(".effect")).to_contain_text(effect)


async def test_the_link_in_a_message_opens_the_real_page_and_its_button_opts_out(phones: PhonesInBrowser) -> None:
    await phones.send("Summer sale", "link")
    await expect(phones.received("Emi").last).to_contain_text("Summer sale")
    async with phones.page.context.expect_page() as opened:
        await phones.received("Emi").get_by_role("link").last.click()
    page = await opened.value
    await page.get_by_role("button", name="Stop these messages").click()
    await expect(page.locator("h1")).to_contain_text("Done:")
    await page.close()
    await expect(phones.phone("Emi").locator(".memberships .opted_out")).to_have_text("Summer sale opted out")
    await expect(phones.page.locator("li.journey").first).to_contain_text("Click")


async def test_a_message_without_a_way_out_does_not_leave_and_the_page_says_why(phones: PhonesInBrowser) -> None:
    await phones.send("Order updates", "none")
    await expect(phones.page.locator("#notes .rejected").first).to_contain_text("Reply STOP to opt out")


async def test_while_the_pipeline_is_dead_nothing_goes_out_and_afterwards_nothing_is_lost(
    phones: PhonesInBrowser,
) -> None:
    await phones.reply("Ben", "START")  # nothing: a reply that is decided before
    await phones.is_state("optout", "running")
    await expect(phones.journey("Ben", "START").locator(".effect")).not_to_contain_text("on its way")
    await phones.is_quiet()
    before, dropped = await phones.count("arrived on phones"), await phones.count("dropped")
    await phones.press("Kill", "optout")
    await phones.is_state("optout", "dead")
    await phones.send("Summer sale", "reply")
    await phones.reply("Ben", "STOP")
    await expect(phones.page.locator("#fault")).to_contain_text(
        "Since then 0 went out. 6 messages and 1 reply in Kafka wait."
    )
    await phones.press("Start", "optout")
    await expect(phones.page.locator("#fault.over")).to_contain_text("nothing was lost", timeout=60_000)
    await expect(phones.journey("Ben", "STOP").locator(".effect")).to_contain_text("opted out of")
    dropped = await phones.count("dropped") - dropped
    assert dropped >= 2  # Ada and Emi left the list before; Ben's STOP was about whatever message he had last
    await phones.counts("arrived on phones", before + 6 - dropped)
    assert await phones.count("sent after a STOP") == 0


async def test_while_the_sender_is_frozen_messages_wait_and_go_on_when_it_thaws(phones: PhonesInBrowser) -> None:
    await phones.is_state("sender", "running")
    await phones.is_quiet()
    await phones.press("Freeze", "sender")
    await phones.is_state("sender", "frozen")
    await phones.send("Book club", "reply")
    await expect(phones.page.locator("#fault")).to_contain_text("Since then 0 went out. 4 messages")
    await phones.press("Thaw", "sender")
    await expect(phones.page.locator("#fault.over")).to_contain_text("nothing was lost", timeout=60_000)


async def test_a_website_that_is_open_beside_it_presses_no_button(browser: Browser, url: str) -> None:
    async with open_phones(browser, url) as phones:
        kills = await phones.page.locator("#notes .kill").count()
        other = await phones.page.context.new_page()
        await other.route("http://evil.example/**", lambda route: route.fulfill(content_type="text/html", body="<p>Hi"))
        await other.goto("http://evil.example/")
        kill = '{"part": "optout", "command": "kill"}'
        await other.evaluate(
            """async ([url, kill]) => {
                await fetch(`${url}/parts`, { method: 'POST', mode: 'no-cors', body: kill }).catch(() => null);
                const frame = document.createElement('iframe'); frame.name = 'f'; document.body.append(frame);
                const form = document.createElement('form'); form.action = `${url}/parts`; form.method = 'post';
                form.enctype = 'text/plain'; form.target = 'f';
                const field = document.createElement('input'); field.name = kill.slice(0, -1) + ', "x": "';
                field.value = '"}'; form.append(field); document.body.append(form); form.submit();
            }""",
            [url, kill],
        )
        read = await other.evaluate("url => fetch(url).then(a => a.text()).catch(e => 'refused')", url)
        assert read == "refused"
        await other.close()
        await phones.page.reload()
        await phones.is_state("optout", "running")
        assert await phones.page.locator("#notes .kill").count() == kills


@pytest.mark.parametrize(("width", "scheme"), [(375, "dark"), (1440, "light")])
async def test_it_is_accessible_and_fits_in_light_and_dark_narrow_and_wide(
    browser: Browser, url: str, scheme: str, width: int
) -> None:
    size = {"width": width, "height": 900}
    async with open_phones(browser, url, viewport=size, color_scheme=scheme, reduced_motion="reduce") as phones:
        await expect(phones.page.locator("li.journey").first).to_be_visible()
        results = await Axe().run(phones.page)
        assert results.violations_count == 0, results.generate_report()
        assert await phones.page.evaluate("document.documentElement.scrollWidth") <= width
        await expect(phones.phone("Ada").get_by_role("textbox")).to_be_visible()


async def test_everything_can_be_done_with_the_keyboard_alone(phones: PhonesInBrowser) -> None:
    page = phones.page
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the phones")).to_be_focused()
    await page.keyboard.press("Enter")
    await phones.tab_to(phones.phone("Ada").locator(".log"))
    await phones.tab_to(phones.phone("Ada").get_by_role("button", name="STOP", exact=True))
    await phones.tab_to(phones.phone("Ada").get_by_role("textbox"))
    await page.keyboard.type("Thanks for the fish")
    await page.keyboard.press("Enter")
    await expect(phones.phone("Ada").locator(".bubble.out").last).to_contain_text("Thanks for the fish")
    await expect(phones.phone("Ada").get_by_role("textbox")).to_be_focused()
    await phones.tab_to(phones.journey("Ada", "Thanks for the fish").locator("summary").first)
    await page.keyboard.press("Enter")
    await expect(phones.journey("Ada", "Thanks for the fish").locator(".measured").first).to_be_visible()


async def test_no_script_or_style_but_its_own_runs(phones: PhonesInBrowser) -> None:
    tried = """() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';
        document.head.append(s); return window.ran ?? 0 }"""
    answer = await phones.page.request.get(phones.page.url)
    assert re.search(r"\bstyle=|<style|<script>|\bon\w+=", await answer.text()) is None
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    context = await phones.page.context.browser.new_context()  # type: ignore[union-attr]
    page = await context.new_page()
    await page.goto(phones.page.url)
    assert await page.evaluate(tried) == 0
    await context.close()
