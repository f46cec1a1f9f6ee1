"""The demo profile serves the page of phones: a STOP stops the next message, and nothing can be killed from it."""

import asyncio
import json
import re
import time
from typing import Any

import httpx
import pytest
from compose_project import ComposeProject

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]
SECONDS = 60


async def parts(http: httpx.AsyncClient) -> dict[str, Any]:
    """Return the page's parts as a browser gets them when it opens the page."""
    async with http.stream("GET", "/events") as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                found: dict[str, Any] = json.loads(line.removeprefix("data: "))
                return found
    raise AssertionError("the feed ended")


async def until(http: httpx.AsyncClient, condition: Any, claim: str) -> dict[str, Any]:
    deadline = time.monotonic() + SECONDS
    while not condition(shown := await parts(http)):
        assert time.monotonic() < deadline, f"not within {SECONDS} s: {claim}; {shown['about']}"
        await asyncio.sleep(0.2)
    return shown


async def test_a_phone_of_the_demo_profile_is_heard_and_nothing_can_be_killed_from_its_page(
    compose: ComposeProject,
) -> None:
    url = compose.url("PHONES")
    async with httpx.AsyncClient(base_url=url, headers={"Origin": url}, timeout=SECONDS) as http:
        token = re.search(r'name="token" content="([^"]+)"', (await http.get("/")).text)
        assert token
        http.headers["X-Stopline-Token"] = token[1]
        shown = await until(http, lambda now: now["about"]["is_ready"] and now["machine"], "the lists are there")
        assert not shown["machine"]["can_be_killed"]
        assert (await http.post("/parts", json={"part": "sender", "command": "kill"})).status_code == 409
        sale = shown["lists"][0]["list_id"]
        phone = shown["about"]["owners"][0]["phone"]
        message = {"list_id": sale, "text": "Sale. Reply STOP to opt out", "phone": phone}
        assert (await http.post("/send", json=message)).status_code == 202
        await until(http, lambda now: now[phone]["bubbles"], "the message is on the phone")
        assert (await http.post("/reply", json={"phone": phone, "words": "STOP"})).status_code == 202
        await until(
            http, lambda now: now["journeys"][:1] and now["journeys"][0]["effect"] == "opted_out", "it is heard"
        )
        assert (await http.post("/send", json=message)).status_code == 202
        shown = await until(http, lambda now: now["tally"]["dropped"] == 1, "the next message is dropped")
        assert len([each for each in shown[phone]["bubbles"] if not each["is_reply"]]) == 1
        assert [step["milliseconds"] for step in shown["journeys"][0]["steps"] if step["milliseconds"] is None] == []


async def test_another_name_for_this_machine_is_refused(compose: ComposeProject) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.get(compose.url("PHONES"), headers={"Host": "rebound.example"})
    assert answer.status_code == 403
