"""The cache answers like a plain dict, whatever is merged, compacted, written to disk, restarted and read again."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from shared.events.codec import encode
from shared.events.suppression import (
    CHECKPOINT_KEY,
    WATERMARK_KEY,
    CheckpointPublished,
    SuppressionChanged,
    WatermarkAdvanced,
)
from shared.partitions import partition_of
from shared.suppression_digest import MASK, format_digest, key_digest
from shared.suppressions import lookup
from shared.suppressions.lookup import SuppressionHit, query
from shared.suppressions.proof import CheckpointDiffersError
from shared.suppressions.snapshot import Origin, read_snapshot, write_snapshot
from shared.suppressions.state import CacheState

PARTITIONS = 2
ORIGIN = Origin("cluster", "suppressions", PARTITIONS)
PHONES = [f"+1415555{number:04}" for number in range(8)]
ACCOUNTS = ["acme", "zeta"]
SCOPES = ("list:1", "account", "sender:+14155550199")
STATES = ["opted_out", "held", "opted_in"]
CHANGE = st.tuples(
    st.sampled_from(["acme", "acme", "zeta"]),
    st.sampled_from(["list:1", "list:1", *SCOPES]),
    st.sampled_from(PHONES),
    st.sampled_from(STATES),
    st.integers(1, 2),
)

Key = tuple[str, str, str]


@pytest.fixture(autouse=True, scope="module")
def _merge_often() -> Any:
    patch = pytest.MonkeyPatch()
    patch.setattr(lookup, "_MIN_CHANGES_TO_MERGE", 3)
    yield
    patch.undo()


def record(partition: int, offset: int, key: bytes, value: bytes | None) -> ConsumerRecord:
    return ConsumerRecord("suppressions", partition, offset, 0, 0, key, value, None, len(key), len(value or b""), ())


class CacheMachine(RuleBasedStateMachine):
    """`logs` is the topic, `truth` what it means; `state` is the cache, which has read some of it."""

    snapshots: Bundle[Path] = Bundle("snapshots")

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.logs: list[list[ConsumerRecord]] = [[] for _ in range(PARTITIONS)]
        self.ends = [0] * PARTITIONS
        self.truth: dict[Key, str] = {}
        self.sums = [(0, 0)] * PARTITIONS
        self.may_differ = False
        self.count = 0
        self.state = CacheState(ORIGIN)

    def teardown(self) -> None:
        self.folder.cleanup()

    def append(self, partition: int, key: bytes, value: bytes) -> None:
        self.logs[partition].append(record(partition, self.ends[partition], key, value))
        self.ends[partition] += 1

    @rule(changes=st.lists(CHANGE, min_size=1, max_size=12))
    def change(self, changes: list[tuple[str, str, str, str, int]]) -> None:
        for account, scope, phone, state, times in changes:
            self.change_one(account, scope, phone, state, times)

    def change_one(self, account: str, scope: str, phone: str, state: str, times: int) -> None:
        partition = partition_of(phone, PARTITIONS)
        event = SuppressionChanged.model_validate_json(
            f'{{"account_id":"{account}","scope":"{scope}","phone":"{phone}","state":"{state}",'
            '"cause_event_id":"24b6fe34-41a8-4052-aa12-0343c57102c9","changed_at":"2026-11-24T11:13:00Z"}'
        )
        for _ in range(times):
            self.append(partition, event.key(), encode(event))
        was, now = self.truth.get((account, scope, phone), "opted_in") != "opted_in", state != "opted_in"
        count, digest = self.sums[partition]
        step = int(now) - int(was)
        self.sums[partition] = (count + step, digest + step * key_digest(account, scope, int(phone)) & MASK)
        self.truth[account, scope, phone] = state

    @rule(partition=st.integers(0, PARTITIONS - 1))
    def checkpoint(self, partition: int) -> None:
        count, digest = self.sums[partition]
        published = CheckpointPublished(next_offset=0, suppressed_count=count, digest=format_digest(digest))
        self.append(partition, CHECKPOINT_KEY, encode(published))

    @rule(partition=st.integers(0, PARTITIONS - 1))
    def watermark(self, partition: int) -> None:
        offset = self.ends[partition]
        self.append(partition, WATERMARK_KEY, encode(WatermarkAdvanced(next_offset=offset)))

    @rule(partition=st.integers(0, PARTITIONS - 1), share=st.floats(0, 1))
    def compact(self, partition: int, share: float) -> None:
        """Do what Kafka's cleaner does: up to some place keep the newest record of every key."""
        log = self.logs[partition]
        clean, rest = log[: int(len(log) * share)], log[int(len(log) * share) :]
        newest = {each.key: each.offset for each in clean}
        self.logs[partition] = [each for each in clean if newest[each.key] == each.offset] + rest
        self.may_differ |= 0 < self.state.read_to[partition] < self.ends[partition]

    @rule(partition=st.integers(0, PARTITIONS - 1), most=st.integers(1, 40))
    def read(self, partition: int, most: int) -> None:
        follower = self.state.partitions[partition]
        records = [each for each in self.logs[partition] if each.offset >= follower.read_to][:most]
        end = self.ends[partition]
        left = [each.offset for each in self.logs[partition] if records and each.offset > records[-1].offset]
        try:
            asyncio.run(follower.apply(records, end))
            follower.move(left[0] if left else end)
        except CheckpointDiffersError:
            assert self.may_differ, "a false alarm"
            self.restart()

    @rule(target=snapshots)
    def write(self) -> Any:
        if any(follower.proof.difference or not follower.proof.proven for follower in self.state.partitions):
            return multiple()
        self.count += 1
        path = Path(self.folder.name, f"{self.count}.snapshot")
        write_snapshot(path, self.state.snapshot())
        return path

    @rule()
    def restart(self) -> None:
        self.state, self.may_differ = CacheState(ORIGIN), False

    @rule(path=snapshots)
    def restart_from(self, path: Path) -> None:
        snapshot = read_snapshot(path, ORIGIN)
        assert snapshot is not None
        self.state = CacheState(ORIGIN, snapshot)
        self.may_differ = True  # what was compacted since then may follow a position in the middle

    @invariant()
    def a_cache_that_has_read_all_answers_like_the_dict(self) -> None:
        late = [p for p in range(PARTITIONS) if self.state.read_to[p] < self.ends[p]]
        phones = [phone for phone in PHONES if partition_of(phone, PARTITIONS) not in late]
        orders = [SCOPES, SCOPES[::-1]]
        asked = [(account, scopes, phone) for account in ACCOUNTS for scopes in orders for phone in phones]
        queries = [query(account, scopes, partition_of(phone, PARTITIONS), phone) for account, scopes, phone in asked]
        assert self.state.cache.hits(queries) == [self.expected(*each) for each in asked]
        for partition in set(range(PARTITIONS)) - set(late):
            assert self.state.cache.count_and_digest(partition) == self.sums[partition]

    def expected(self, account: str, scopes: tuple[str, ...], phone: str) -> SuppressionHit | None:
        for scope in scopes:
            state: Any = self.truth.get((account, scope, phone), "opted_in")
            if state != "opted_in":
                return SuppressionHit(scope, state)
        return None


CacheMachine.TestCase.settings = settings(
    max_examples=200, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestCacheAgainstADict = CacheMachine.TestCase
