"""`stopline policy show | simulate`: how far opt-outs reach by country and date, and whom that affects."""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phonenumbers import SUPPORTED_REGIONS

from harness.cli.databases import in_database
from services.optout.decision_log.stored_policies import load_policies
from services.optout.policies import EVERYWHERE, OwnPolicy, ReachPolicies, reach_of, shipped_policies
from services.optout.simulation.reach import AffectedCounts, AffectedRecipient, examine
from shared.errors import MisconfiguredError

_ROWS = 20
_MAX_ROWS = 100_000
_IS_AN_ACCOUNT = "SELECT EXISTS (SELECT FROM accounts WHERE account_id = $1)"


def add_commands(commands: Any) -> None:
    group = commands.add_parser("policy", help="say how far opt-outs reach by country and date, and whom it affects")
    actions = group.add_subparsers(dest="action", required=True)
    show = actions.add_parser("show", help="the policies of an account, and how far a reply reaches by them")
    simulate = actions.add_parser("simulate", help="who would stop getting what; saves nothing")
    for command in (show, simulate):
        command.add_argument("--account", required=True, metavar="ID")
        command.add_argument(
            "--at", type=_moment, metavar="DATE", help="when the replies come, such as 2027-02-01; now"
        )
    simulate.add_argument("--country", type=_country, metavar="US|*", help="with --reach: a policy as if it were saved")
    simulate.add_argument("--reach", choices=("list", "sender", "account"))
    simulate.add_argument("--rows", type=_rows, default=_ROWS, metavar="N", help=f"recipients to name ({_ROWS})")
    show.set_defaults(run=_show)
    simulate.set_defaults(run=_simulate)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _country(text: str) -> str:
    if text != EVERYWHERE and text.upper() not in SUPPORTED_REGIONS:
        raise argparse.ArgumentTypeError("write the two letters of ISO 3166, such as US, or *")
    return text.upper()


def _rows(text: str) -> int:
    if not 0 <= int(text) <= _MAX_ROWS:
        raise argparse.ArgumentTypeError(f"from 0 to {_MAX_ROWS}")
    return int(text)


async def _policies(connection: Any, account_id: str) -> ReachPolicies:
    file = os.environ.get("STOPLINE_REACH_POLICIES_FILE")
    try:
        shipped = shipped_policies(Path(file) if file else None)
    except ValueError as error:
        raise MisconfiguredError(str(error)) from None
    if not await connection.fetchval(_IS_AN_ACCOUNT, account_id):
        raise MisconfiguredError(f"--account: there is no account {account_id!r}")
    return (await load_policies(connection, [account_id], shipped))[account_id]


def _show(arguments: argparse.Namespace) -> int:
    async def read(connection: Any) -> ReachPolicies:
        return await _policies(connection, arguments.account)

    policies = in_database("optout", read)
    at = arguments.at or datetime.now(UTC)
    print(f"a reply at {at:%Y-%m-%d %H:%M %Z} reaches")
    shipped = {country for policy in policies.shipped for country in policy.countries}
    for country in sorted({EVERYWHERE, *shipped, *(policy.country for policy in policies.own)}):
        reach, version = reach_of(policies.own, policies.shipped, None if country == EVERYWHERE else country, at)
        print(f"  {country:<3} {reach:<8} {version or 'no policy'}")
    for policy in policies.shipped:
        countries = ",".join(policy.countries)
        print(f"{policy.version}: {countries} {policy.reach} from {policy.valid_from.isoformat()}, {policy.source}")
    for own in sorted(policies.own, key=lambda each: each.version):
        postpones = f", postpones {own.postpones} until {own.postponed_until}" if own.postpones else ""
        print(f"{own.name}: {own.country} {own.reach} from {own.valid_from.isoformat()}{postpones}")
    return 0


def _simulate(arguments: argparse.Namespace) -> int:
    if (arguments.country is None) != (arguments.reach is None):
        raise MisconfiguredError("--country and --reach go together: they are the policy to try")
    at = arguments.at or datetime.now(UTC)

    async def run(connection: Any) -> None:
        policies = await _policies(connection, arguments.account)
        if arguments.reach is not None:
            version = max((policy.version for policy in policies.own), default=0) + 1
            draft = OwnPolicy(version, arguments.country, arguments.reach, at)
            policies = ReachPolicies([*policies.own, draft], policies.shipped)
        await _print_simulation(connection, arguments.account, policies, at, arguments.rows)

    in_database("optout", run)
    return 0


async def _print_simulation(connection: Any, account_id: str, policies: ReachPolicies, at: datetime, rows: int) -> None:
    counts, named = AffectedCounts(), list[AffectedRecipient]()
    phone: str | None = ""
    while phone is not None:
        found = await examine(connection, account_id, policies, at, phone)
        counts.add(found)
        named += found.affected[: rows - len(named)]
        phone = found.last_phone
    print(
        f"{counts.examined} recipients left lists by replies; {counts.recipients} would get less,"
        f" {counts.of_lists.total()} memberships"
    )
    for (list_id, name), count in counts.of_lists.most_common():
        print(f"  list {list_id} {name or ''}: {count}")
    for recipient in named:
        lists = ", ".join(str(each.list_id) for each in recipient.stops)
        print(f"{recipient.phone} left {', '.join(recipient.left)}: no more of {lists} ({recipient.reach.version})")
