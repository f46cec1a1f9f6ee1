"""The cache and the fence of the API's process. Where they fail, checks fail, and nothing else of the API does."""

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.optout.api import metrics
from services.optout.api.check.ask import Checks
from services.optout.api.settings import ApiSettings
from services.optout.sending.outbound import SOURCE
from shared.background import in_background
from shared.kafka import STOP_SECONDS
from shared.postgres import Pool
from shared.producer import Producer
from shared.suppressions.ask import Asking
from shared.suppressions.fence import Fence
from shared.suppressions.folder import own_cache_folder
from shared.suppressions.follow import CacheFollower
from shared.suppressions.markers import Markers

log = logging.getLogger(__name__)

_FENCE_SECONDS = 2.0
"""A fence that takes longer has made its decision too old; another is begun, while the caller waits."""


@asynccontextmanager
async def checking(settings: ApiSettings, pool: Pool) -> AsyncIterator[Checks]:
    """Follow the suppressions inside the `with` block.

    Raises:
        MisconfiguredError: the cache has no folder.
    """
    with own_cache_folder(settings.api_cache_dir, "STOPLINE_API_CACHE_DIR") as folder:
        producer = Producer(settings.kafka)
        try:
            own = settings.model_copy(update={"api_cache_dir": folder})
            cache, checks = new_checks(own, pool, producer)
            async with in_background(cache.run(), "cache", _note_the_end, stop_seconds=STOP_SECONDS):
                yield checks
        finally:
            await producer.close()


def new_checks(settings: ApiSettings, pool: Pool, producer: Producer) -> tuple[CacheFollower, Checks]:
    """Return a cache that follows nothing yet, and the checks that ask it."""
    markers = Markers(producer, SOURCE)
    cache = CacheFollower(
        settings.kafka,
        settings.partitions,
        settings.api_cache_dir,
        settings.snapshot_seconds,
        metrics.CACHE,
        asking=Asking(markers, time.monotonic()),
    )
    return cache, Checks(pool, Fence(markers, cache, _FENCE_SECONDS), cache)


def _note_the_end(error: BaseException) -> None:
    """Log a bug; without a follower no watermark comes, so that no fence is passed until the process starts again."""
    metrics.CACHE.healthy.set(0)
    log.critical("no check is decided until the API starts again: %r", error, exc_info=error)
