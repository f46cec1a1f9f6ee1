"""Whatever an account and its recipients do, in any order, its lists and opt-outs are what a plain model says."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from lists_model import ListsModel, Member
from lists_world import LATER, LONG_AGO, ListsWorld

from harness.machine.ports import free_ports
from harness.postgres import PostgresServer
from services.optout.prepare import MIGRATIONS
from services.optout.removals import removal_id
from services.optout.settings import optout_database
from shared.events.inbound import OptInRequested, OptOutRequested
from shared.migrations import migrate
from shared.postgres import Pool, open_pool

PHONES = ["+14155550101", "+14155550102"]
phones, lists = st.sampled_from(PHONES), st.integers(0, 1)
scopes = st.lists(st.sampled_from(["account", 0, 1]), min_size=1, max_size=2, unique=True)
AFTER_A_CLEAN_UP = [
    ("asks", "is undone"),
    ("is undone", "asks"),
    ("is undone", "old file"),
    ("old file", "is undone"),
    ("asks", "is undone", "old file"),
]
T = TypeVar("T")


class Lists(RuleBasedStateMachine):
    """One account with two lists; list 0 is the first of them."""

    runner: ClassVar[asyncio.Runner]
    pool: ClassVar[Pool]

    @initialize()
    def begins(self) -> None:
        self.model = ListsModel()
        self.world = self._do(ListsWorld.create(self.pool))
        self.clean_ups: list[tuple[UUID, int, set[UUID]]] = []
        self.are_imported([*PHONES, *PHONES], 0)
        self.are_imported(PHONES, 1)

    def _do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    def _scopes(self, given: list[str | int]) -> tuple[str, ...]:
        return tuple(each if isinstance(each, str) else f"list:{self.world.list_ids[each]}" for each in given)

    @rule(phone=phones, on=lists)
    def is_added(self, phone: str, on: int) -> None:
        list_id = self.world.list_ids[on]
        has_it = any(member.phone == phone for member in self.model.on_list(list_id))
        added = self._do(self.world.add(list_id, phone))
        assert [each for _, each in added] == ([] if has_it else [phone])
        self._now_on(list_id, added)

    @rule(given=st.lists(phones, min_size=1, max_size=3), on=lists)
    def are_imported(self, given: list[str], on: int) -> None:
        list_id = self.world.list_ids[on]
        added = self._do(self.world.import_contacts(list_id, given))
        assert [phone for _, phone in added] == given
        self._now_on(list_id, added)

    def _now_on(self, list_id: int, added: list[tuple[int, str]]) -> None:
        for contact_id, phone in added:
            self.model.is_added(list_id, phone, contact_id)

    @precondition(lambda self: any(self.model.on_list(each) for each in self.world.list_ids))
    @rule(data=st.data())
    def is_removed(self, data: st.DataObject) -> None:
        on_lists = [member for each in self.world.list_ids for member in self.model.on_list(each)]
        member, by = data.draw(st.sampled_from(on_lists)), uuid4()
        self._do(self.world.remove(member.contact_id, by))
        self.model.is_removed(member.contact_id, by)

    @precondition(lambda self: any(self.model.on_list(each) for each in self.world.list_ids))
    @rule(data=st.data(), moves=st.booleans())
    def is_copied_or_moved(self, data: st.DataObject, moves: bool) -> None:  # noqa: FBT001
        on_lists = [member for each in self.world.list_ids for member in self.model.on_list(each)]
        self._is_copied(data.draw(st.sampled_from(on_lists)), moves=moves)

    @rule(on=lists, phone=phones, moves=st.booleans())
    def is_copied_to_the_list_that_they_left(self, on: int, phone: str, moves: bool) -> None:  # noqa: FBT001
        self.opts_in_by_request(phone, ["account", 0, 1])
        self.are_imported([phone], on)
        self.opts_out_by_request(phone, [1 - on], "api")
        member = next(each for each in self.model.on_list(self.world.list_ids[on]) if each.phone == phone)
        self._is_copied(member, moves=moves)

    def _is_copied(self, member: Member, *, moves: bool) -> None:
        """Who has left a list is not on it, and is neither copied nor moved from there."""
        one, other = self.world.list_ids
        to_list_id = other if member.list_id == one else one
        has_left = (member.contact_id, member.phone) not in self.model.active(member.list_id)
        added = self._do(self.world.copy((member.list_id, member.contact_id), to_list_id, moves=moves))
        assert (added is None) == has_left
        if added is not None:
            assert [phone for _, phone in added] == [member.phone]
            self._now_on(to_list_id, added)
            if moves:
                self.model.is_removed(member.contact_id, uuid4())

    @rule(phone=phones, is_of_long_ago=st.booleans())
    def is_reported_reassigned(self, phone: str, is_of_long_ago: bool) -> None:  # noqa: FBT001
        job_id = self._do(self.world.report_reassigned(phone, LONG_AGO if is_of_long_ago else LATER))
        self.model.reports_reassigned(phone, job_id, is_of_long_ago=is_of_long_ago)

    @rule(phone=phones)
    def is_erased(self, phone: str) -> None:
        self._do(self.world.erase(phone))
        self.model.erases(phone)

    @rule(phone=phones, given=scopes, source=st.sampled_from(["api", "import", "phone_call"]))
    def opts_out_by_request(self, phone: str, given: list[str | int], source: Any) -> None:
        fields = self.world.event_fields(phone)
        event = OptOutRequested(scopes=self._scopes(given), by="somebody", source=source, **fields)
        self._do(self.world.record([event]))
        self.model.opts_out(phone, event.scopes, event.event_id, source)

    @rule(rows=st.lists(st.tuples(phones, st.sampled_from(["account", 0, 1]), st.booleans()), min_size=1, max_size=3))
    def opt_outs_are_imported(self, rows: list[tuple[str, str | int, bool]]) -> None:
        """Some have a date, of long ago."""
        given = [(phone, *self._scopes([scope]), is_old) for phone, scope, is_old in rows]
        lists = [scope.removeprefix("list:").replace("account", "") for _, scope, _ in given]
        dates = [LONG_AGO.isoformat() if is_old else "" for *_, is_old in given]
        self._do(self.world.import_opt_outs(list(zip([phone for phone, *_ in given], lists, dates, strict=True))))
        for phone, scope, is_old in given:
            self.model.imports_opt_out(phone, scope, is_of_long_ago=is_old)

    @rule(phone=phones, given=scopes)
    def consent_of_long_ago_is_reported(self, phone: str, given: list[str | int]) -> None:
        """It was given before every opt-out, and lifts none."""
        self._opts_in(phone, given, consented_at=LONG_AGO)

    @rule(phone=phones, given=scopes)
    def opts_in_by_request(self, phone: str, given: list[str | int]) -> None:
        self._opts_in(phone, given)
        self.model.opts_in(phone, self._scopes(given))

    def _opts_in(self, phone: str, given: list[str | int], **more: Any) -> None:
        asked = {"scopes": self._scopes(given), "source": "web_form", "statement": "Yes!", "by": "somebody"}
        event = OptInRequested.model_validate({**self.world.event_fields(phone), **asked, **more})
        self._do(self.world.record([event]))

    @rule(phone=phones)
    def writes_stop(self, phone: str) -> None:
        cause = self._do(self.world.writes(phone, "STOP"))
        self.model.opts_out(phone, ("account",), cause, None)

    @rule(phone=phones)
    def writes_start(self, phone: str) -> None:
        self._do(self.world.writes(phone, "START"))
        self.model.writes_start(phone)

    @rule(on=lists, phone=phones, then=st.sampled_from(AFTER_A_CLEAN_UP))
    def is_cleaned_up_and_then(self, on: int, phone: str, then: tuple[str, ...]) -> None:
        """What a clean-up did is undone, asked for by the person, or in a file of old opt-outs, in several orders."""
        self._is_cleaned_up_on(on, phone)
        clean_up = self.clean_ups[-1]
        for each in then:
            match each:
                case "asks":
                    self.opts_out_by_request(phone, [on], "phone_call")
                case "is undone":
                    self._is_undone(*clean_up)
                case _:
                    self.opt_outs_are_imported([(phone, on, True)])
            self.lists_and_suppressions_are_as_the_model_says()

    def _is_cleaned_up_on(self, on: int, phone: str) -> None:
        """Clean up the list of somebody who has left just the other one."""
        self.opts_in_by_request(phone, ["account", 0, 1])
        self.are_imported([phone], 0)
        self.are_imported([phone], 1)
        self.opts_out_by_request(phone, [1 - on], "api")
        self.is_cleaned_up(on, ["opt_outs", "duplicates"])

    @rule(on=lists, phone=phones)
    def who_was_cleaned_up_comes_back_to_the_first_list(self, on: int, phone: str) -> None:
        """The clean-up of the list that they left and came back to must leave them there."""
        self._is_cleaned_up_on(on, phone)
        self.opts_in_by_request(phone, [1 - on])
        self.is_cleaned_up(1 - on, ["opt_outs"])

    @rule(on=lists, parts=st.sampled_from([["opt_outs", "duplicates", "invalid"], ["opt_outs"], ["duplicates"]]))
    def is_cleaned_up(self, on: int, parts: list[str]) -> None:
        list_id = self.world.list_ids[on]
        leaving = self.model.to_clean_up(list_id) if "opt_outs" in parts else set()
        clean_up = self._do(self.world.clean_up(list_id, parts))
        for phone in leaving:
            self.model.opts_out(phone, (f"list:{list_id}",), UUID(removal_id(clean_up, phone)), "clean_up")
        if "duplicates" in parts:
            self.model.removes_duplicates(list_id, clean_up)
        self.clean_ups.append((clean_up, list_id, {UUID(removal_id(clean_up, phone)) for phone in leaving}))

    @precondition(lambda self: self.clean_ups)
    @rule(data=st.data())
    def a_clean_up_is_undone(self, data: st.DataObject) -> None:
        self._is_undone(*data.draw(st.sampled_from(self.clean_ups)))

    def _is_undone(self, clean_up: UUID, list_id: int, causes: set[UUID]) -> None:
        self._do(self.world.undo(list_id, clean_up))
        self.model.undoes(clean_up, causes)

    @invariant()
    def lists_and_suppressions_are_as_the_model_says(self) -> None:
        for list_id in self.world.list_ids:
            assert self._do(self.world.active(list_id)) == self.model.active(list_id)
            shown = [(row["contact_id"], row["phone"]) for row in self._do(self.world.shown(list_id))]
            assert shown == self.model.active(list_id)
        opt_outs, suppressed = self._do(self.world.opt_outs()), self._do(self.world.suppressed())
        assert opt_outs.keys() == self.model.opt_outs()
        opt_out_list = [(row["phone"], row["scope"]) for row in self._do(self.world.shown(0, "opt_outs"))]
        assert sorted(opt_out_list) == sorted(self.model.opt_outs())
        assert suppressed == {key: was.source for key, was in self.model.suppressed.items()}
        causes = {key: was.cause for key, was in self.model.suppressed.items() if was.cause is not None}
        assert opt_outs.items() >= {(key, cause) for key, cause in causes.items() if key in opt_outs}


@pytest.fixture
def on_postgres() -> Iterator[None]:
    folder = Path(tempfile.mkdtemp(prefix="stopline-lists-"))
    folder.chmod(0o755)  # PostgreSQL does not run as root, and must be able to enter
    server = PostgresServer(folder, free_ports(1)[0], durable=False)
    with asyncio.Runner() as Lists.runner:
        Lists.runner.run(server.start())
        Lists.pool = Lists.runner.run(open_pool(optout_database(server.url("optout")), 5))
        Lists.runner.run(_prepare(Lists.pool))
        yield
        Lists.runner.run(Lists.pool.close())
        Lists.runner.run(server.stop())
    shutil.rmtree(folder, ignore_errors=True)


async def _prepare(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await migrate(connection, MIGRATIONS)


@pytest.mark.usefixtures("on_postgres")
def test_lists_and_opt_outs_are_as_the_model_says_after_every_step() -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    examples = int(os.environ.get("STOPLINE_TEST_MODEL_EXAMPLES", "30"))
    run_state_machine_as_test(
        Lists,
        settings=settings(max_examples=examples, stateful_step_count=30, deadline=None, suppress_health_check=checks),
    )
