"""`stopline-pytest` against a running stack: it waits for what must come, and proves that nothing came."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from confluent_kafka import Producer
from shell import Shell

from stopline_pytest import Account, Addresses, ContactList, NotSeenError, Phone, Stopline, UnexpectedMessageError

TEXT = "Hello. Reply STOP to opt out"


@pytest.fixture(scope="module")
def stopline(shell: Shell) -> Iterator[Stopline]:
    with Stopline(Addresses.parse(shell.status())) as opened:
        yield opened


@pytest.fixture
def account(stopline: Stopline) -> Iterator[Account]:
    made = stopline.account()
    yield made
    made.close()


def test_nothing_is_claimed_of_a_message_that_the_sender_has_not_decided(account: Account, shell: Shell) -> None:
    ada, news = account.phone(), account.list()
    ada.assert_got_nothing()
    shell.run("stop", "sender")
    try:
        message = news.send(ada, TEXT)
        with pytest.raises(NotSeenError, match=f"message {message.message_id} had an outcome"):
            ada.assert_got_nothing(timeout_seconds=1)
    finally:
        shell.run("start", "sender")
    with pytest.raises(UnexpectedMessageError, match=r"got 1 .*\n.*Hello"):
        ada.assert_got_nothing()


def test_an_automatic_reply_that_is_still_on_its_way_is_waited_for(account: Account) -> None:
    matched = {"rule_name": "hours", "message_search_type": 2, "message_search_term": "hours"}
    reply = {"action": "AUTO_REPLY", "action_address": "9 to 5. Reply STOP to opt out"}
    account.api.ask("POST", "/v1/rules", json={**matched, **reply})
    ada, news = account.phone(), account.list()
    news.send(ada, TEXT)
    ada.receives("Hello")
    ada.replies("What are your hours?")
    with pytest.raises(UnexpectedMessageError, match="9 to 5"):
        ada.assert_got_nothing()


def test_a_message_that_waits_for_its_time_is_named_and_nothing_is_claimed(account: Account) -> None:
    ada, news = account.phone(), account.list()
    message = news.send(ada, TEXT, fields={"send_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()})
    with pytest.raises(NotSeenError, match=r"it waits until .* \(send_at\)"):
        ada.assert_got_nothing(timeout_seconds=2)
    message.cancel()
    message.assert_rejected("cancelled")
    assert [outcome.kind for outcome in ada.assert_got_nothing()] == ["rejected"]


def test_accounts_do_not_see_each_others_messages_on_one_phone(stopline: Stopline, account: Account) -> None:
    other = stopline.account()
    ada = account.phone()
    other.list().send(ada.number, TEXT).assert_sent()
    ada.assert_got_nothing()
    account.list().send(ada, TEXT).assert_sent()
    other.phone(ada.number).receives("Hello")
    ada.receives("Hello")
    other.phone(ada.number).replies("STOP")
    assert account.check(ada).allowed
    other.close()


def test_records_that_nobody_can_read_and_other_spellings_hide_nothing(stopline: Stopline, account: Account) -> None:
    ada, news = account.phone(), account.list()
    producer = Producer(stopline.addresses.kafka_config())
    ours = account.account_id.encode()
    of_ours = (b'{"account_id": "%s"}' % ours, b'{"account_id": "%s", "type": ["?"]}' % ours)
    for value in (b"", b"[]", b"\xff", b"[" * 100_000, b'{"account_id": 7}', *of_ours):
        producer.produce("outbound-messages", value)
    producer.flush()
    spelled = f"001 ({ada.number[2:5]}) {ada.number[5:8]}-{ada.number[8:]}"
    account.send(news, spelled, TEXT)
    with pytest.raises(UnexpectedMessageError):
        ada.assert_got_nothing()


def test_nothing_is_claimed_before_requests_are_read_to_their_end_and_committed(
    stopline: Stopline, account: Account
) -> None:
    ada, news = account.phone(), account.list()
    transaction = f"test-{account.account_id}"
    producer = Producer({**stopline.addresses.kafka_config(), "transactional.id": transaction, "acks": "all"})
    producer.init_transactions()
    producer.begin_transaction()
    producer.produce("outbound-messages", json.dumps(requested(account, news, ada)), key=ada.number)
    producer.flush()
    with pytest.raises(NotSeenError, match="outbound-messages was read to its end"):
        ada.assert_got_nothing(timeout_seconds=1)
    producer.commit_transaction()
    with pytest.raises(UnexpectedMessageError, match="got 1"):
        ada.assert_got_nothing()


def requested(account: Account, news: ContactList, ada: Phone) -> dict[str, Any]:
    return {
        "type": "message_requested",
        "version": 1,
        "account_id": account.account_id,
        "message_id": "in-a-transaction",
        "list_id": news.list_id,
        "phone": ada.number,
        "sender_number": account.sender_number,
        "body": TEXT,
    }


def test_nothing_is_claimed_of_an_account_with_more_events_than_are_kept(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stopline_pytest.topic_log._MAX_EVENTS_PER_ACCOUNT", 1)
    ada, bob, news = account.phone(), account.phone(), account.list()
    for phone in (bob, ada):
        news.send(phone, TEXT)
    with pytest.raises(NotSeenError, match="too many"):
        ada.assert_got_nothing()


def test_a_wait_ends_when_the_message_comes_and_not_later(account: Account) -> None:
    ada, news = account.phone(), account.list()
    started = time.monotonic()
    news.send(ada, TEXT)
    ada.receives("Hello", timeout_seconds=60)
    assert time.monotonic() - started < 30
