"""The bookshop's text messages: news for subscribers of a list, and notes about orders."""

import json
from collections.abc import Iterable

from confluent_kafka import Producer

SENDER_NUMBER = "+18335550123"


class TextMessages:
    """Requests text messages by Kafka. Who may get them is not decided here: that is what Stopline is for."""

    def __init__(self, kafka_bootstrap: str, account_id: str, news_list: int, orders_list: int) -> None:
        # murmur2_random places records as Java's client does, so that a phone's messages keep their order.
        self._producer = Producer(
            {"bootstrap.servers": kafka_bootstrap, "enable.idempotence": True, "partitioner": "murmur2_random"}
        )
        self._account_id = account_id
        self._news_list = news_list
        self._orders_list = orders_list

    def send_news(self, issue: int, headline: str, phones: Iterable[str]) -> None:
        """Send an issue of the newsletter; sending it again sends nobody a second copy."""
        for phone in phones:
            body = f"{headline} Reply STOP to opt out"
            self._request(f"news-{issue}-{phone.removeprefix('+')}", self._news_list, phone, body)
        self._producer.flush()

    def confirm_order(self, order: int, phone: str) -> None:
        body = f"Your order {order} is on its way. Reply STOP to opt out"
        self._request(f"order-{order}", self._orders_list, phone, body)
        self._producer.flush()

    def _request(self, message_id: str, list_id: int, phone: str, body: str) -> None:
        request = {
            "type": "message_requested",
            "version": 1,
            "account_id": self._account_id,
            "message_id": message_id,
            "list_id": list_id,
            "phone": phone,
            "sender_number": SENDER_NUMBER,
            "body": body,
        }
        self._producer.produce("outbound-messages", json.dumps(request).encode(), key=phone.encode())
