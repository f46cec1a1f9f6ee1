"""Writes to `outbound-messages`, as any producer may: docs/producers.md of Stopline describes the contract."""

import json
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from stopline_pytest.errors import StoplineError
from stopline_pytest.topic_log import OUTBOUND_MESSAGES

_DELIVERY_SECONDS = 20.0


class OutboundProducer:
    """A producer of `outbound-messages` that waits for Kafka's acknowledgement."""

    def __init__(self, kafka_config: dict[str, Any]) -> None:
        self._producer = Producer(
            {
                **kafka_config,
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "linger.ms": 0,
                "message.timeout.ms": int(_DELIVERY_SECONDS * 1000),
            }
        )

    def produce(self, event: dict[str, Any], key: str) -> None:
        """Write one event.

        Raises:
            StoplineError: Kafka did not acknowledge it.
        """
        failures: list[str] = []

        def note(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures.append(error.str())

        try:
            self._producer.produce(OUTBOUND_MESSAGES, json.dumps(event).encode(), key=key.encode(), on_delivery=note)
        except (KafkaException, BufferError) as error:
            raise StoplineError(f"{OUTBOUND_MESSAGES} could not be written to: {error}") from error
        waiting = self._producer.flush(_DELIVERY_SECONDS)
        if failures or waiting:
            reason = failures[0] if failures else f"no acknowledgement within {_DELIVERY_SECONDS:.0f} s"
            raise StoplineError(f"{OUTBOUND_MESSAGES} could not be written to: {reason}")
