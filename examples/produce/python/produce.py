"""Request a text message: `python produce.py '{"account_id": …}'`. Needs confluent-kafka."""

import json
import os
import sys

from confluent_kafka import KafkaException, Producer

request = json.loads(sys.argv[1])
failures = []
producer = Producer(
    {
        "bootstrap.servers": os.environ["KAFKA"],
        "enable.idempotence": True,
        # Java's placement of keys. librdkafka's own default is another one; both are allowed on this topic.
        "partitioner": "murmur2_random",
        "message.timeout.ms": 20_000,
    }
)
producer.produce(
    "outbound-messages",
    key=request["phone"].encode(),
    value=json.dumps(request).encode(),
    on_delivery=lambda error, _: failures.append(error) if error else None,
)
producer.flush()
if failures:
    raise KafkaException(failures[0])
