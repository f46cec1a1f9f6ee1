"""The sender with its gate taken out: `python -m benchmarks.sender_without_gate`, for the benchmark alone.

Everything else is the sender's own: this shows what the gate costs, and nothing that a deployment could be set to.
"""

import sys
from collections.abc import Iterable, Sequence

from services.sender import batch
from services.sender.app import create_app
from services.sender.settings import SenderSettings
from shared.events.outbound import MessageRequested
from shared.gate import Offered
from shared.service import run_service
from shared.suppressions.account_settings import SettingsByAccount
from shared.suppressions.follow import CacheFollower

_NOTHING_OFFERED = Offered((), has_link=False)


def _passes(requests: Sequence[MessageRequested], *_: object, **__: object) -> list[MessageRequested]:
    return list(requests)


async def _offers(_: object, requests: Sequence[MessageRequested], __: object) -> list[Offered]:
    return [_NOTHING_OFFERED] * len(requests)


def _no_partitions(account_ids: frozenset[str], partitions: int) -> frozenset[int]:
    """Leave the accounts' partitions out of the fence: without the gate their settings are not asked for."""
    assert account_ids
    assert partitions
    return frozenset()


def _account_settings(cache: CacheFollower, _: object, account_ids: Iterable[str]) -> SettingsByAccount:
    return cache.likely_account_settings(account_ids)


if __name__ == "__main__":
    for owner, name, instead in (
        (batch, "judge_all", _passes),
        (batch, "partitions_of_accounts", _no_partitions),
        (batch.BatchProcessor, "_offers", _offers),
        (CacheFollower, "account_settings", _account_settings),
    ):
        setattr(owner, name, instead)
    sys.exit(run_service("sender", SenderSettings, create_app))
