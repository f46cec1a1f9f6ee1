"""Fixtures: a real Kafka, a small opt-out service, an account of its own for each test."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from cache_world import PARTITIONS, OptOutService

from harness.stack.embedded import EmbeddedBackend
from shared.kafka import new_producer
from shared.settings import KafkaSettings
from shared.topics import create_topics


@pytest.fixture(scope="session")
async def cache_backend() -> AsyncIterator[EmbeddedBackend]:
    async with EmbeddedBackend(durable=False, say=lambda _: None) as running:
        await create_topics(KafkaSettings(kafka_bootstrap=running.kafka_bootstrap, partitions=PARTITIONS))
        yield running


@pytest.fixture(scope="session")
def bootstrap(cache_backend: EmbeddedBackend) -> str:
    return cache_backend.kafka_bootstrap


@pytest.fixture(scope="session")
async def opt_out(bootstrap: str) -> AsyncIterator[OptOutService]:
    service = OptOutService(bootstrap)
    await service.start()
    yield service
    await service.stop()


@pytest.fixture(scope="session")
async def marking(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    """The producer of the fence's markers."""
    async with new_producer(bootstrap) as producer:
        yield producer


@pytest.fixture
def account() -> str:
    return f"t-{uuid4().hex[:12]}"
