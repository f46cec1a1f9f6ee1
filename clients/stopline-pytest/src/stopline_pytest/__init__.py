"""Tests against a real Stopline stack, by its public interfaces: docs/testing.md of Stopline has the way in."""

from stopline_pytest.account import Account, Check
from stopline_pytest.addresses import Addresses
from stopline_pytest.asynchronous import AsyncAccount, AsyncContactList, AsyncMessage, AsyncPhone, AsyncStopline
from stopline_pytest.contact_list import ContactList
from stopline_pytest.driver import Stopline
from stopline_pytest.errors import NotSeenError, StoplineError, UnexpectedMessageError, WrongOutcomeError
from stopline_pytest.message import Message
from stopline_pytest.outcomes import Outcome
from stopline_pytest.phone import Phone, ReceivedMessage, Reply

__all__ = [
    "Account",
    "Addresses",
    "AsyncAccount",
    "AsyncContactList",
    "AsyncMessage",
    "AsyncPhone",
    "AsyncStopline",
    "Check",
    "ContactList",
    "Message",
    "NotSeenError",
    "Outcome",
    "Phone",
    "ReceivedMessage",
    "Reply",
    "Stopline",
    "StoplineError",
    "UnexpectedMessageError",
    "WrongOutcomeError",
]
