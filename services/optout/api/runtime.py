"""The running customer API: its database, its requests to the pipeline, its simulations and customers' webhooks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, TypeAlias

from fastapi import Depends

from services.optout.api.check.ask import Checks
from services.optout.api.check.running import checking
from services.optout.api.freshness import Freshness
from services.optout.api.job_kinds import job_kinds
from services.optout.api.live.counts import LiveCounts
from services.optout.api.live.follow import live_counts
from services.optout.api.logins import Logins
from services.optout.api.message_parts import message_parts
from services.optout.api.parked.read import ParkedTopic
from services.optout.api.requests import Requests
from services.optout.api.review_decisions import DueReviews
from services.optout.api.settings import ApiSettings
from services.optout.api.statistics_cache import StatisticsCache
from services.optout.api.v3.list_members import ListMembers
from services.optout.campaigns.run import Campaigns
from services.optout.customer_webhooks.deliver import Deliverer
from services.optout.jobs.run import CONNECTIONS, Jobs
from services.optout.prepare import prepared
from services.optout.sending.outbound import OutboundRequests
from services.optout.sending.publish import DueMessages
from services.optout.simulation.run import Simulations
from shared.background import GiveUp, in_background
from shared.http import runtime_of
from shared.kafka_probe import KafkaProbe
from shared.partition_watch import watch_partitions
from shared.postgres import Pool, close_pool, open_pool
from shared.postgres_probe import PostgresProbe
from shared.reception.follow import ReceptionFollower
from shared.reception.state import ReceptionLimits, ReceptionState
from shared.topics import INBOUND_MESSAGES


@dataclass(frozen=True, slots=True)
class Runtime:
    """The running parts of the API's process."""

    settings: ApiSettings
    pool: Pool
    requests: Requests
    freshness: Freshness
    checks: Checks
    simulations: Simulations
    jobs: Jobs
    campaigns: Campaigns
    due_messages: DueMessages
    list_members: ListMembers
    reception: ReceptionState
    parked: ParkedTopic
    live: LiveCounts
    statistics: StatisticsCache
    logins: Logins
    kafka: KafkaProbe
    postgres: PostgresProbe

    async def problems(self) -> list[str]:
        """Return why requests could not be answered now; empty: they can."""
        servers = await asyncio.gather(self.kafka.problem(), self.postgres.problem())
        return [problem for problem in servers if problem]


ApiRuntime: TypeAlias = Annotated[Runtime, Depends(runtime_of)]
"""The running parts, as a parameter of a route."""


@asynccontextmanager
async def running(settings: ApiSettings, give_up: GiveUp) -> AsyncIterator[Runtime]:
    """Run until the `with` block ends.

    Args:
        settings: of the API.
        give_up: called with a bug that must end the process.

    Raises:
        MisconfiguredError: the process must not run like this.
    """
    async with AsyncExitStack() as stack:
        kafka = await stack.enter_async_context(KafkaProbe(settings.kafka, (INBOUND_MESSAGES,)))
        postgres = await stack.enter_async_context(PostgresProbe(settings.database.url))
        requests = Requests(settings.kafka, settings.partitions)
        stack.push_async_callback(requests.close)
        pool = await stack.enter_async_context(prepared(settings, settings.database_connections))
        await stack.enter_async_context(in_background(watch_partitions(settings), "partitions", give_up))
        simulations = Simulations(pool)
        stack.push_async_callback(simulations.close)
        deliverer = Deliverer(pool, settings.webhook_keys, settings.called_ports)
        await stack.enter_async_context(in_background(deliverer.run(), "webhooks", give_up))
        freshness = Freshness(pool)
        jobs_pool = await open_pool(settings.database, CONNECTIONS + 2)  # campaigns and reviews have one each
        stack.push_async_callback(close_pool, jobs_pool)
        jobs = Jobs(jobs_pool, job_kinds(jobs_pool, requests, freshness))
        await stack.enter_async_context(in_background(jobs.run(), "jobs", give_up))
        outbound = OutboundRequests(settings.kafka, settings.partitions)
        stack.push_async_callback(outbound.close)
        campaigns = Campaigns(jobs_pool, outbound)
        await stack.enter_async_context(in_background(campaigns.run(), "campaigns", give_up))
        checks = await stack.enter_async_context(checking(settings, pool))
        reviews = DueReviews(jobs_pool, requests.publish_later)
        await stack.enter_async_context(in_background(reviews.run(), "reviews", give_up))
        due_messages = await stack.enter_async_context(message_parts(settings, pool, outbound, give_up))
        reception = ReceptionFollower(settings.kafka, reception_of(settings))
        await stack.enter_async_context(in_background(reception.run(), "reception", give_up))
        live = await stack.enter_async_context(live_counts(settings.kafka, settings.partitions, give_up))
        work = simulations, jobs, campaigns, due_messages, ListMembers(pool)
        shown = reception.state, ParkedTopic(settings.kafka), live, StatisticsCache(pool)
        yield Runtime(settings, pool, requests, freshness, checks, *work, *shown, Logins(), kafka, postgres)


def reception_of(settings: ApiSettings) -> ReceptionState:
    """Return an empty state: it shows when webhooks could be received, and has no messages wait."""
    none = timedelta(0)
    gap = timedelta(seconds=settings.reception_gap_seconds)
    return ReceptionState(ReceptionLimits(gap=gap, settle=none, known=none, wait=none))
