"""A customer's program with one generation of ClickSend's client, in a process of its own."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self, TypeVar

from recording_proxy import RecordingProxy

from harness.account import Account

FOLDER = Path(__file__).parent
VENV = FOLDER.parents[1] / ".venv"
_CALL_SECONDS = 20.0
_T = TypeVar("_T")


class ApiRefusedError(Exception):
    """An answer of the API that the client raised as its `ApiException`; `status` is HTTP's, `body` as it came."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


class Customer:
    """One account's program, to be used as an async context manager."""

    def __init__(self, generation: int, proxy: RecordingProxy, account: Account) -> None:
        self.generation = generation
        self.account = account
        self._proxy = proxy
        self._methods = methods(generation)
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        packages = VENV / f"clicksend-{self.generation}"
        environment = {
            "PYTHONPATH": f"{packages}:{FOLDER}",
            "HOST": self._proxy.url,
            "USERNAME": self.account.account_id,
            "PASSWORD": self.account.api_key,
        }
        program = FOLDER / f"customer_{self.generation}.py"
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-S", "-W", "ignore", program, stdin=PIPE, stdout=PIPE, env=environment, limit=2**24
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def call(self, call: str, body: Any = None, query: dict[str, Any] | None = None, **path: str | int) -> Any:
        """Make a call as `calls.txt` names it; return the `data` of its answer.

        Raises:
            ApiRefusedError: the API refused it.
        """
        verb, template = call.split(" ")
        method, model = self._methods[call]
        words = {name: str(value) for name, value in path.items()}
        asked = {"verb": verb, "template": template, "method": method, "model": model, "path": words}
        outcome = await self._asked({**asked, "query": query or {}, "body": body})
        problems, self._proxy.problems = self._proxy.problems, []
        assert problems == [], problems
        assert "raised" not in outcome, f"{call}: {outcome['raised']}"
        if "status" in outcome:
            raise ApiRefusedError(outcome["status"], outcome["body"])
        return outcome["answer"].get("data")

    async def _asked(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        async with asyncio.timeout(_CALL_SECONDS):
            read: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return read

    async def new_list(self, name: str, *phones: str) -> int:
        list_id: int = (await self.call("POST /v3/lists", {"list_name": name}))["list_id"]
        for phone in phones:
            await self.new_contact(list_id, phone)
        return list_id

    async def new_contact(self, list_id: int, phone: str) -> int:
        body = {"phone_number": phone, "custom_1": ""}  # generation 1 demands both
        made = await self.call("POST /v3/lists/{list_id}/contacts", body, list_id=list_id)
        contact_id: int = made["contact_id"]
        return contact_id

    async def phones(self, list_id: int) -> list[str]:
        page = await self.call("GET /v3/lists/{list_id}/contacts", list_id=list_id)
        return [contact["phone_number"] for contact in page["data"]]

    async def opt_out_list(self) -> int:
        lists = (await self.call("GET /v3/lists"))["data"]
        return next(each["list_id"] for each in lists if each["list_name"] == "Opt Out List")


def methods(generation: int) -> dict[str, tuple[str | None, str | None]]:
    """Return each call's method in a generation's client, with the model of its body; None where it has none."""
    found: dict[str, tuple[str | None, str | None]] = {}
    for line in (FOLDER / "calls.txt").read_text().splitlines()[1:]:
        call, *by_generation = line.split(" | ")
        method, _, model = by_generation[generation - 1].partition(" ")
        found[call] = (None, None) if method == "-" else (method, model or None)
    return found


async def eventually(read: Callable[[], Awaitable[_T]], holds: Callable[[_T], bool], seconds: float = 20.0) -> _T:
    """Read until it holds, and return what was read."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not holds(last := await read()):
        assert asyncio.get_running_loop().time() < deadline, f"not within {seconds} s: {last}"
        await asyncio.sleep(0.05)
    return last
