"""A process whose Kafka answers late joins its group when it does, and goes on with everything else meanwhile."""

import pytest

from shared import subscription
from shared.errors import MisconfiguredError, TransientError
from shared.kafka_connection import KafkaConnection
from shared.subscription import Subscribed, Subscription


def subscription_that(monkeypatch: pytest.MonkeyPatch, failures: list[Exception]) -> Subscription:
    """Return a subscription whose attempts to connect fail with these errors, and then succeed."""

    async def connect(starting: object, _: KafkaConnection) -> None:
        starting.close()  # type: ignore[attr-defined]
        if failures:
            raise failures.pop(0)

    monkeypatch.setattr(subscription, "connect", connect)
    monkeypatch.setattr(subscription, "_PAUSE_SECONDS", 0.0)

    async def handler(_: list[object]) -> None: ...

    def refuse(error: BaseException) -> None:
        raise error

    subscribed = Subscribed("delivery-events", "a-group", "outcomes")
    return Subscription(KafkaConnection(bootstrap="127.0.0.1:1"), subscribed, list, handler, refuse)


async def test_it_joins_when_kafka_answers_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    failures: list[Exception] = [TransientError("connecting to Kafka: no answer"), TransientError("no answer")]
    joining = subscription_that(monkeypatch, failures)
    await joining.join()
    assert (failures, joining.waits_for) == ([], None)


async def test_it_does_not_try_again_where_kafka_refuses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    joining = subscription_that(monkeypatch, [MisconfiguredError("Kafka refuses the login")])
    with pytest.raises(MisconfiguredError, match="refuses"):
        await joining.join()
