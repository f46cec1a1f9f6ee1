"""Reach policies: how far opt-outs reach by country and date, an account's own versions, and what they would change."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from services.optout.api.account_rules import LOCK_ACCOUNT
from services.optout.api.answers_about_policies import (
    CountedRecipients,
    PolicyPage,
    RecipientPage,
    ShownNewPolicy,
    ShownPolicies,
)
from services.optout.api.context import CallerAccountId, Database
from services.optout.api.errors import ApiError
from services.optout.api.fields import PageLimit, RequestBody, known_country, without_nul
from services.optout.api.pages import After, cursor, fetch_page, keys_after, page
from services.optout.api.preferences import By
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.runtime import ApiRuntime
from services.optout.decision_log.stored_policies import MAX_POLICIES, load_policies
from services.optout.policies import (
    EVERYWHERE,
    OwnPolicy,
    Reach,
    ReachPolicies,
    ShippedPolicy,
    reach_of,
)
from services.optout.simulation.reach import AffectedCounts, AffectedRecipient, examine
from shared.events.base import Time, format_time
from shared.postgres import Connection

MAX_POSTPONED = timedelta(days=731)
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_MAX_LISTS_SHOWN = 100
_SIMULATION_SECONDS = 1.0
"""Of one request; its `next` goes on from there."""

ADD = """
INSERT INTO reach_policies
    (account_id, version, country, reach, valid_from, postpones, postponed_until, reason, made_by)
SELECT $1, coalesce(max(version), 0) + 1, $2, $3, $4, $5, $6, $7, $8 FROM reach_policies WHERE account_id = $1
RETURNING *
"""
VERSIONS = "SELECT * FROM reach_policies WHERE account_id = $1 AND version < $2 ORDER BY version DESC LIMIT $3"

router = APIRouter(route_class=GuardedRoute)


def _within_reason(moment: datetime) -> datetime:
    if not _EARLIEST <= moment < _LATEST:
        raise ValueError("write a time from 2000 to 2099")
    return moment


Moment = Annotated[Time, AfterValidator(_within_reason)]
PolicyCountry = Annotated[str, AfterValidator(lambda code: code if code == EVERYWHERE else known_country(code))]
PolicyReason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000), AfterValidator(without_nul)
]


class DraftPolicy(RequestBody):
    """A policy: for a country, or `*` for all that have none of their own.

    Only with `postpones`, the version of a shipped policy, does that one not count until `postponed_until`.
    """

    country: PolicyCountry
    reach: Reach
    postpones: Annotated[str | None, Field(max_length=60)] = None
    postponed_until: Moment | None = None

    @model_validator(mode="after")
    def _has_both_or_none(self) -> Self:
        if (self.postpones is None) != (self.postponed_until is None):
            raise ValueError("postpones and postponed_until go together: a shipped policy is postponed until a date")
        return self


class NewPolicy(DraftPolicy):
    """A policy to save; `valid_from` is now where it is not given."""

    valid_from: Moment | None = None
    reason: PolicyReason
    by: By


class ReachQuestion(RequestBody):
    """A question to the simulation: replies that come `at` a time, with a policy of the account as if it were saved."""

    at: Moment | None = None
    policy: DraftPolicy | None = None


@router.get("/v1/policies", response_model=ShownPolicies)
async def read_policies(
    account_id: CallerAccountId, database: Database, runtime: ApiRuntime, at: Annotated[Moment | None, Query()] = None
) -> dict[str, Any]:
    """How far a reply's opt-out reaches now, or `at` another time, for each country that a policy names."""
    policies = await _policies(database, account_id, runtime)
    moment = at or datetime.now(UTC)
    shipped = [country for policy in policies.shipped for country in policy.countries]
    named = sorted({EVERYWHERE, *shipped, *(policy.country for policy in policies.own)})
    return {
        "at": format_time(moment),
        "effective": [_effective(policies, country, moment) for country in named],
        "shipped": [
            policy.model_dump(mode="json", exclude={"replaces"}) | {"valid_from": format_time(policy.valid_from)}
            for policy in policies.shipped
        ],
    }


@router.get("/v1/policies/versions", response_model=PolicyPage)
async def list_versions(
    account_id: CallerAccountId, database: Database, after: After = None, limit: PageLimit = 100
) -> dict[str, Any]:
    """All versions that the account ever made, newest first; none is ever changed."""
    (before,) = keys_after(after, 2**31 - 1)
    rows, shown = await fetch_page(database, VERSIONS, account_id, min(before, 2**31 - 1), limit=limit)
    return page("versions", rows, shown, _version, "version")


@router.post("/v1/policies", status_code=201, response_model=ShownNewPolicy)
async def create_policy(
    new: NewPolicy, account_id: CallerAccountId, database: Database, runtime: ApiRuntime
) -> dict[str, Any]:
    """Save the account's next version. Replies that are decided from now on go by it; what is decided stays."""
    now = datetime.now(UTC)
    _check_postponement(new, runtime.settings.shipped_policies, now)
    async with database.transaction():
        await database.execute(LOCK_ACCOUNT, account_id)
        if len((await _policies(database, account_id, runtime)).own) >= MAX_POLICIES:
            message = f"version: an account has at most {MAX_POLICIES} versions of policies; ask the operator"
            raise ApiError(422, "too_many", message, "version")
        valid_from = new.valid_from or now
        what = new.country, new.reach, valid_from, new.postpones, new.postponed_until, new.reason, new.by
        (row,) = await database.fetch(ADD, account_id, *what)
    policies = await _policies(database, account_id, runtime)
    return _version(row) | {"effective": _effective(policies, new.country, max(now, valid_from))}


@router.post("/v1/policies/simulate", response_model=CountedRecipients)
async def simulate(
    question: ReachQuestion,
    account_id: CallerAccountId,
    database: Database,
    runtime: ApiRuntime,
    after: After = None,
) -> dict[str, Any]:
    """Count who would get less. Counts of one request's recipients: those after `next` are to be added to them."""
    policies, at = await _asked(question, account_id, database, runtime)
    (phone,) = keys_after(after, "")
    counts, ends_at = AffectedCounts(), time.monotonic() + _SIMULATION_SECONDS
    while phone is not None and (not counts.examined or time.monotonic() < ends_at):
        found = await examine(database, account_id, policies, at, phone)
        counts.add(found)
        phone = found.last_phone
    return {
        "at": format_time(at),
        "examined": counts.examined,
        "recipients": counts.recipients,
        "memberships": counts.of_lists.total(),
        "lists": [
            {"list_id": stopped.list_id, "name": stopped.name, "recipients": count}
            for stopped, count in counts.of_lists.most_common(_MAX_LISTS_SHOWN)
        ],
        "next": None if phone is None else cursor(phone),
    }


@router.post("/v1/policies/simulate/recipients", response_model=RecipientPage)
async def simulate_recipients(
    question: ReachQuestion,
    account_id: CallerAccountId,
    database: Database,
    runtime: ApiRuntime,
    after: After = None,
) -> dict[str, Any]:
    """List who would get less, and of which lists; a page is what up to 1,000 recipients who opted out come to."""
    policies, at = await _asked(question, account_id, database, runtime)
    (phone,) = keys_after(after, "")
    found = await examine(database, account_id, policies, at, phone)
    following = None if found.last_phone is None else cursor(found.last_phone)
    return {"recipients": [_recipient(each) for each in found.affected], "next": following}


async def _policies(database: Connection, account_id: str, runtime: ApiRuntime) -> ReachPolicies:
    return (await load_policies(database, [account_id], runtime.settings.shipped_policies))[account_id]


async def _asked(
    question: ReachQuestion, account_id: str, database: Connection, runtime: ApiRuntime
) -> tuple[ReachPolicies, datetime]:
    """Return the account's policies with the draft as its newest version, and the time of the replies."""
    policies = await _policies(database, account_id, runtime)
    now = datetime.now(UTC)
    at = question.at or now
    draft = question.policy
    if draft is None:
        return policies, at
    _check_postponement(draft, policies.shipped, now)
    version = max((policy.version for policy in policies.own), default=0) + 1
    own = OwnPolicy(version, draft.country, draft.reach, at, draft.postpones, draft.postponed_until)
    return ReachPolicies([*policies.own, own], policies.shipped), at


def _check_postponement(policy: DraftPolicy, shipped: Sequence[ShippedPolicy], now: datetime) -> None:
    if policy.postpones is None or policy.postponed_until is None:
        return
    found = next((each for each in shipped if each.version == policy.postpones), None)
    if found is None:
        there = ", ".join(each.version for each in shipped) or "none"
        message = f"postpones: there is no shipped policy {policy.postpones!r} in use; there are: {there}"
        raise ApiError(422, "invalid", message, "postpones")
    if policy.country not in (EVERYWHERE, *found.countries):
        message = f"postpones: {found.version} is about {', '.join(found.countries)} and not {policy.country}"
        raise ApiError(422, "invalid", message, "postpones")
    if not now < policy.postponed_until <= now + MAX_POSTPONED:
        message = "postponed_until: write a time in the next two years; a later version can postpone it again"
        raise ApiError(422, "invalid", message, "postponed_until")


def _effective(policies: ReachPolicies, country: str, at: datetime) -> dict[str, Any]:
    reach = reach_of(policies.own, policies.shipped, None if country == EVERYWHERE else country, at)
    return {"country": country, "reach": reach.reach, "version": reach.version}


def _version(row: Any) -> dict[str, Any]:
    until = row["postponed_until"]
    return {
        "version": f"account:{row['version']}",
        "country": row["country"],
        "reach": row["reach"],
        "valid_from": format_time(row["valid_from"]),
        "postpones": row["postpones"],
        "postponed_until": None if until is None else format_time(until),
        "reason": row["reason"],
        "by": row["made_by"],
        "made_at": format_time(row["made_at"]),
    }


def _recipient(affected: AffectedRecipient) -> dict[str, Any]:
    return {
        "phone": affected.phone,
        "country": affected.country,
        "left": affected.left,
        "reach": affected.reach.reach,
        "version": affected.reach.version,
        "stops": [{"list_id": each.list_id, "name": each.name} for each in affected.stops[:_MAX_LISTS_SHOWN]],
    }
