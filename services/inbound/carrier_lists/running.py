"""The parts that keep carriers' lists and ours in step: the rounds of reading, and the subscriptions that write."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from services.inbound.carrier_lists.call import CarrierCalls
from services.inbound.carrier_lists.choices import ListWork
from services.inbound.carrier_lists.read import ListReader
from services.inbound.carrier_lists.write import BATCH_RECORDS, ConsentHandler, events_of_account
from services.inbound.poll import metrics
from services.inbound.poll.catch_up import ListProgress
from services.inbound.poll.client import ApiConnections
from services.inbound.poll.rounds import Work
from services.inbound.poll.settings import PollSettings
from shared.background import GiveUp, in_background
from shared.kafka import START_SECONDS, within
from shared.metrics import from_zero
from shared.producer import Producer
from shared.subscription import Subscribed, Subscription
from shared.topics import OPT_OUT_EVENTS

READ_OPT_OUTS = "read_opt_outs"


def readings(
    settings: PollSettings, producer: Producer, progress: ListProgress, connections: ApiConnections
) -> list[Work]:
    """Return the rounds of reading, one piece of work for each list."""
    works, turn = [], asyncio.Lock()
    for account, lists, _, _ in settings.carrier_list_works:
        calls = CarrierCalls(account, connections)
        for source in lists:
            reader = ListReader(
                account.account_id,
                source,
                calls.send,
                producer,
                partitions=settings.partitions,
                pools=settings.number_pools,
                heard_to=partial(progress.complete_to, account.account_id, account.gateway),
                turn=turn,
            )
            works.append(Work(READ_OPT_OUTS, account, settings.carrier_list_seconds, reader))
    return works


@asynccontextmanager
async def writing(
    settings: PollSettings, producer: Producer, connections: ApiConnections, give_up: GiveUp
) -> AsyncIterator[None]:
    """Write to carriers' records until the `with` block ends."""
    async with AsyncExitStack() as stack:
        for work in settings.carrier_list_works:
            if work.writer is not None:
                subscription = _subscription(settings, work, producer, CarrierCalls(work.account, connections), give_up)
                stack.push_async_callback(subscription.broker.stop)
                joining = within(START_SECONDS, subscription.start(), "subscribing to opt-out events")
                await stack.enter_async_context(in_background(joining, f"consents {work.account}", give_up))
        yield


def _subscription(
    settings: PollSettings, work: ListWork, producer: Producer, calls: CarrierCalls, give_up: GiveUp
) -> Subscription:
    assert work.writer is not None  # noqa: S101 (of those that write)
    account = work.account
    from_zero(metrics.CONSENTS, (account.gateway,), ("opt_out", "opt_in"), ("refuses", "unavailable"))
    handler = ConsentHandler(account, work.writer, work.reach, calls.send, producer)
    subscribed = Subscribed(
        OPT_OUT_EVENTS,
        f"{settings.poll_group_id}-{account.account_id}-{account.gateway}",
        f"opt-outs of {account}",
        BATCH_RECORDS,
    )
    events_of = partial(events_of_account, account.account_id)
    return Subscription(settings.kafka, subscribed, events_of, handler.handle, give_up)
