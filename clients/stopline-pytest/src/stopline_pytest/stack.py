"""The clients of a running stack, which all of its accounts share."""

import time
from functools import cached_property

from stopline_pytest.addresses import Addresses
from stopline_pytest.json_http import JsonHttp
from stopline_pytest.producing import OutboundProducer
from stopline_pytest.topic_log import TopicLog

TIMEOUT_SECONDS = 20.0


class Stack:
    """The clients of a stack; `timeout_seconds` is the longest wait for anything where a call names no other."""

    def __init__(self, addresses: Addresses, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.addresses = addresses
        self.timeout_seconds = timeout_seconds
        self.sandbox = JsonHttp("sandbox carrier", addresses.sandbox_url)
        self.log = TopicLog(addresses.kafka_config())

    @cached_property
    def producer(self) -> OutboundProducer:
        return OutboundProducer(self.addresses.kafka_config())

    def deadline(self) -> float:
        """Return the time, of `time.monotonic`, at which what begins now has taken too long."""
        return time.monotonic() + self.timeout_seconds

    def close(self) -> None:
        self.log.close()
        self.sandbox.close()
