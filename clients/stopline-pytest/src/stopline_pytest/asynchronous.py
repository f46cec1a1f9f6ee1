"""The same for `async def` tests: each call waits in a thread, so it needs no event loop of ours."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ParamSpec, TypeVar

import httpx
from anyio import to_thread

from stopline_pytest.account import Account, Check
from stopline_pytest.contact_list import ContactList
from stopline_pytest.driver import Stopline
from stopline_pytest.json_http import Json
from stopline_pytest.message import Message
from stopline_pytest.outcomes import Outcome
from stopline_pytest.phone import Phone, ReceivedMessage, Reply

__tracebackhide__ = True  # a failure shows the test's own line
Given = ParamSpec("Given")
ResultT = TypeVar("ResultT")


async def _in_thread(call: Callable[Given, ResultT], *arguments: Given.args, **named: Given.kwargs) -> ResultT:
    return await to_thread.run_sync(partial(call, *arguments, **named), abandon_on_cancel=True)


class AsyncMessage:
    """A message; see `Message` for each method."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.message_id = message.message_id

    async def outcome(self, timeout_seconds: float | None = None) -> Outcome:
        return await _in_thread(self.message.outcome, timeout_seconds)

    async def assert_sent(self, timeout_seconds: float | None = None) -> Outcome:
        return await _in_thread(self.message.assert_sent, timeout_seconds)

    async def assert_suppressed(self, scope: str | None = None, timeout_seconds: float | None = None) -> Outcome:
        return await _in_thread(self.message.assert_suppressed, scope, timeout_seconds)

    async def assert_rejected(self, reason: str | None = None, timeout_seconds: float | None = None) -> Outcome:
        return await _in_thread(self.message.assert_rejected, reason, timeout_seconds)

    async def cancel(self) -> None:
        await _in_thread(self.message.cancel)


class AsyncPhone:
    """A phone; see `Phone` for each method."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.number = phone.number

    async def messages(self) -> list[ReceivedMessage]:
        return await _in_thread(self.phone.messages)

    async def receives(self, text: str = "", timeout_seconds: float | None = None) -> ReceivedMessage:
        return await _in_thread(self.phone.receives, text, timeout_seconds)

    async def replies(self, text: str, **options: Any) -> Reply:
        return await _in_thread(self.phone.replies, text, **options)

    async def assert_got_nothing(self, timeout_seconds: float | None = None) -> list[Outcome]:
        return await _in_thread(self.phone.assert_got_nothing, timeout_seconds)


class AsyncContactList:
    """A contact list; see `ContactList` for each method."""

    def __init__(self, contacts: ContactList) -> None:
        self.contacts = contacts
        self.list_id = contacts.list_id
        self.name = contacts.name

    async def add(self, *phones: AsyncPhone | str) -> None:
        await _in_thread(self.contacts.add, *map(_number, phones))

    async def send(self, phone: AsyncPhone | str, body: str, **options: Any) -> AsyncMessage:
        return AsyncMessage(await _in_thread(self.contacts.send, _number(phone), body, **options))

    async def status(self, phone: AsyncPhone | str) -> str | None:
        return await _in_thread(self.contacts.status, _number(phone))


class AsyncAccount:
    """An account; see `Account` for each method. `account` is the same one for what has no method here."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.account_id = account.account_id
        self.api_key = account.api_key
        self.sender_number = account.sender_number

    @property
    def http(self) -> httpx.Client:
        return self.account.http

    async def list(self, name: str | None = None, *, phones: "Sequence[AsyncPhone | str]" = ()) -> AsyncContactList:
        numbers = [_number(phone) for phone in phones]
        return AsyncContactList(await _in_thread(self.account.list, name, phones=numbers))

    def phone(self, number: str | None = None) -> AsyncPhone:
        return AsyncPhone(self.account.phone(number))

    async def send(
        self, contacts: AsyncContactList | int, phone: AsyncPhone | str, body: str, **options: Any
    ) -> AsyncMessage:
        list_id = contacts if isinstance(contacts, int) else contacts.list_id
        return AsyncMessage(await _in_thread(self.account.send, list_id, _number(phone), body, **options))

    def message(self, message_id: str) -> AsyncMessage:
        return AsyncMessage(self.account.message(message_id))

    async def check(self, phone: AsyncPhone | str, contacts: AsyncContactList | int | None = None) -> Check:
        list_id = contacts.list_id if isinstance(contacts, AsyncContactList) else contacts
        return await _in_thread(self.account.check, _number(phone), list_id)

    async def opt_outs(self, phone: AsyncPhone | str) -> Sequence[Json]:
        return await _in_thread(self.account.opt_outs, _number(phone))


class AsyncStopline:
    """A running stack; see `Stopline`. `stopline` is the same one for what has no method here."""

    def __init__(self, stopline: Stopline) -> None:
        self.stopline = stopline
        self.addresses = stopline.addresses

    async def account(self, account_id: str | None = None) -> AsyncAccount:
        return AsyncAccount(await _in_thread(self.stopline.account, account_id))


def _number(phone: AsyncPhone | str) -> str:
    return phone if isinstance(phone, str) else phone.number
