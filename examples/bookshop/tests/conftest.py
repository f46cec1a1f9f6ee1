"""The bookshop as the tests have it: connected to a real Stopline, in an account that no other test uses."""

from dataclasses import dataclass

import pytest

from bookshop.messages import TextMessages
from stopline_pytest import Account, ContactList, Stopline


@dataclass
class Shop:
    """The bookshop, its account, and its two lists."""

    account: Account
    news: ContactList
    orders: ContactList
    messages: TextMessages


@pytest.fixture
def shop(stopline: Stopline, stopline_account: Account) -> Shop:
    news, orders = stopline_account.list("News"), stopline_account.list("Orders")
    messages = TextMessages(stopline.kafka_bootstrap, stopline_account.account_id, news.list_id, orders.list_id)
    return Shop(stopline_account, news, orders, messages)
