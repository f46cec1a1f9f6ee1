"""Fixtures: the customer API on a real Postgres, accounts of its own for each test, and what people wrote."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from documented import checker
from fastapi import FastAPI
from optout_api_world import ADMIN_TOKEN, WEBHOOK_KEY, Caller, NothingParked, Record

from harness.machine.ports import free_ports
from harness.postgres import PostgresServer
from services.optout.api import api_routes
from services.optout.api.check.running import new_checks
from services.optout.api.freshness import Freshness
from services.optout.api.job_kinds import job_kinds
from services.optout.api.live.counts import LiveCounts
from services.optout.api.logins import Logins
from services.optout.api.openapi import document
from services.optout.api.requests import Requests
from services.optout.api.runtime import Runtime, reception_of
from services.optout.api.settings import ApiSettings
from services.optout.api.statistics_cache import StatisticsCache
from services.optout.api.v3.list_members import ListMembers
from services.optout.campaigns.run import Campaigns
from services.optout.jobs.run import Jobs
from services.optout.prepare import MIGRATIONS
from services.optout.sending.outbound import OutboundRequests
from services.optout.sending.publish import DueMessages
from services.optout.settings import optout_database
from services.optout.simulation.run import Simulations
from shared.http import Lifecycle, add_health, lifecycle_of
from shared.kafka_probe import KafkaProbe
from shared.migrations import migrate
from shared.postgres import Pool, open_pool
from shared.postgres_probe import PostgresProbe
from shared.producer import Producer


@pytest.fixture(scope="session")
async def postgres_of_api() -> AsyncIterator[PostgresServer]:
    folder = Path(tempfile.mkdtemp(prefix="stopline-api-"))
    folder.chmod(0o755)  # PostgreSQL does not run as root, and must be able to enter
    server = PostgresServer(folder, free_ports(1)[0], durable=False)
    await server.start()
    yield server
    await server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def pool(postgres_of_api: PostgresServer) -> AsyncIterator[Pool]:
    opened = await open_pool(optout_database(postgres_of_api.url("optout")), 5)
    async with opened.acquire() as connection:
        await migrate(connection, MIGRATIONS)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
async def app(pool: Pool) -> AsyncIterator[FastAPI]:
    made = FastAPI()
    made.include_router(api_routes)
    lifecycle: Lifecycle[Runtime] = Lifecycle()
    lifecycle.runtime = _runtime(pool)
    add_health(made, lifecycle, include_in_schema=False)
    yield made
    await lifecycle.runtime.simulations.close()


def _runtime(pool: Pool) -> Runtime:
    url = "postgresql://nobody@127.0.0.1:1/nothing"
    settings = ApiSettings.model_validate(
        {
            "kafka_bootstrap": "127.0.0.1:1",
            "http_port": 1,
            "optout_database_url": url,
            "admin_token": ADMIN_TOKEN,
            "webhook_key": WEBHOOK_KEY,
            "link_url": "https://o.example",
            "public_inbound_url": "https://in.test/",
            "webhook_ports": "443,8443",
            "api_cache_dir": "/nowhere",
            "reach_policies_file": None,  # those that are shipped
        }
    )
    requests, kafka = Requests(settings.kafka, settings.partitions), KafkaProbe(settings.kafka, ())
    freshness, postgres = Freshness(pool), PostgresProbe(url)
    jobs = Jobs(pool, job_kinds(pool, requests, freshness))
    campaigns = Campaigns(pool, OutboundRequests(settings.kafka, settings.partitions))
    _, checks = new_checks(settings, pool, Producer(settings.kafka))
    due_messages = DueMessages(pool, OutboundRequests(settings.kafka, settings.partitions))
    work = Simulations(pool), jobs, campaigns, due_messages, ListMembers(pool)
    shown = reception_of(settings), NothingParked(settings.kafka), LiveCounts(), StatisticsCache(pool)
    return Runtime(settings, pool, requests, freshness, checks, *work, *shown, Logins(), kafka, postgres)


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    lifecycle = lifecycle_of(app)
    lifecycle.runtime = replace(
        lifecycle.runtime, logins=Logins(), statistics=StatisticsCache(lifecycle.runtime.pool)
    )  # of one test
    hooks: dict[str, list[Any]] = {"response": [checker(document(app, version)) for version in ("v1", "v3")]}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://api", event_hooks=hooks
    ) as client:
        yield client


@pytest.fixture
async def acme(http: httpx.AsyncClient) -> Caller:
    return await Caller.of_new_account(http)


@pytest.fixture
async def other(http: httpx.AsyncClient) -> Caller:
    return await Caller.of_new_account(http)


@pytest.fixture
def record(pool: Pool) -> Record:
    """The opt-out service's record, with a partition of its own for the test."""
    return Record(pool, uuid4().int % 2**31)
