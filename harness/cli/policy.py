"""`stopline policy show | simulate`: how far opt-outs reach by country and date, and whom that affects."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from harness.cli.output import AsJson, show
from shared.errors import MisconfiguredError

if TYPE_CHECKING:
    from services.optout.policies import ReachPolicies
    from services.optout.simulation.reach import AffectedCounts, AffectedRecipient

_ROWS = 20
_MAX_ROWS = 100_000
_EVERYWHERE = "*"  # as in services.optout.policies, which takes its time to import
_IS_AN_ACCOUNT = "SELECT EXISTS (SELECT FROM accounts WHERE account_id = $1)"


def add_commands(app: typer.Typer) -> None:
    group = typer.Typer(
        help="Say how far opt-outs reach by country and date, and whom it affects.", no_args_is_help=True
    )
    group.command("show")(_show)
    group.command("simulate")(_simulate)
    app.add_typer(group, name="policy")


def _moment(text: str | datetime) -> datetime:
    moment = datetime.fromisoformat(text) if isinstance(text, str) else text
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _country(text: str) -> str:
    from phonenumbers import SUPPORTED_REGIONS

    if text != _EVERYWHERE and text.upper() not in SUPPORTED_REGIONS:
        raise typer.BadParameter("write the two letters of ISO 3166, such as US, or *")
    return text.upper()


AccountOption = Annotated[str, typer.Option(metavar="ID")]
At = Annotated[
    datetime | None,
    typer.Option(parser=_moment, metavar="DATE", help="When the replies come, such as 2027-02-01; without it, now."),
]


async def _policies(connection: Any, account_id: str) -> "ReachPolicies":
    from services.optout.decision_log.stored_policies import load_policies
    from services.optout.policies import shipped_policies

    file = os.environ.get("STOPLINE_REACH_POLICIES_FILE")
    try:
        shipped = shipped_policies(Path(file) if file else None)
    except ValueError as error:
        raise MisconfiguredError(str(error)) from None
    if not await connection.fetchval(_IS_AN_ACCOUNT, account_id):
        raise MisconfiguredError(f"--account: there is no account {account_id!r}")
    return (await load_policies(connection, [account_id], shipped))[account_id]


def _show(*, account: AccountOption, at: At = None, as_json: AsJson = False) -> int:
    """Show the policies of an account, and how far a reply reaches by them."""
    from harness.cli.databases import in_database

    async def read(connection: Any) -> "ReachPolicies":
        return await _policies(connection, account)

    policies = in_database("optout", read)
    moment = at or datetime.now(UTC)
    reaches = _reaches(policies, moment)
    lines = [f"a reply at {moment:%Y-%m-%d %H:%M %Z} reaches"]
    lines += [f"  {country:<3} {reach:<8} {version or 'no policy'}" for country, reach, version in reaches]
    for policy in policies.shipped:
        countries = ",".join(policy.countries)
        starts = policy.valid_from.isoformat()
        lines.append(f"{policy.version}: {countries} {policy.reach} from {starts}, {policy.source}")
    for own in sorted(policies.own, key=lambda each: each.version):
        postpones = f", postpones {own.postpones} until {own.postponed_until}" if own.postpones else ""
        lines.append(f"{own.name}: {own.country} {own.reach} from {own.valid_from.isoformat()}{postpones}")
    found = [{"country": country, "reach": reach, "policy": version} for country, reach, version in reaches]
    show("\n".join(lines), {"at": moment.isoformat(), "reaches": found}, as_json=as_json)
    return 0


def _reaches(policies: "ReachPolicies", at: datetime) -> list[tuple[str, str, str | None]]:
    from services.optout.policies import reach_of

    shipped = {country for policy in policies.shipped for country in policy.countries}
    countries = sorted({_EVERYWHERE, *shipped, *(policy.country for policy in policies.own)})
    return [
        (country, *reach_of(policies.own, policies.shipped, None if country == _EVERYWHERE else country, at))
        for country in countries
    ]


def _simulate(
    *,
    account: AccountOption,
    at: At = None,
    country: Annotated[
        str | None,
        typer.Option(parser=_country, metavar="US|*", help="With --reach: a policy as if it were saved."),
    ] = None,
    reach: Annotated[
        Literal["list", "sender", "account"] | None, typer.Option(help="How far opt-outs reach by it.")
    ] = None,
    rows: Annotated[int, typer.Option(min=0, max=_MAX_ROWS, metavar="N", help="Recipients to name.")] = _ROWS,
    as_json: AsJson = False,
) -> int:
    """Show who would stop getting what; saves nothing."""
    from harness.cli.databases import in_database
    from services.optout.policies import OwnPolicy, ReachPolicies

    if (country is None) != (reach is None):
        raise MisconfiguredError("--country and --reach go together: they are the policy to try")
    moment = at or datetime.now(UTC)

    async def run(connection: Any) -> "tuple[AffectedCounts, list[AffectedRecipient]]":
        policies = await _policies(connection, account)
        if country is not None and reach is not None:
            version = max((policy.version for policy in policies.own), default=0) + 1
            draft = OwnPolicy(version, country, reach, moment)
            policies = ReachPolicies([*policies.own, draft], policies.shipped)
        return await _simulated(connection, account, policies, moment, rows)

    _print_simulation(*in_database("optout", run), as_json=as_json)
    return 0


async def _simulated(
    connection: Any, account_id: str, policies: "ReachPolicies", at: datetime, rows: int
) -> "tuple[AffectedCounts, list[AffectedRecipient]]":
    from services.optout.simulation.reach import AffectedCounts, AffectedRecipient, examine

    counts, named = AffectedCounts(), list[AffectedRecipient]()
    phone: str | None = ""
    while phone is not None:
        found = await examine(connection, account_id, policies, at, phone)
        counts.add(found)
        named += found.affected[: rows - len(named)]
        phone = found.last_phone
    return counts, named


def _print_simulation(counts: "AffectedCounts", named: "list[AffectedRecipient]", *, as_json: bool) -> None:
    affected = f"{counts.recipients} would get less, {counts.of_lists.total()} memberships"
    lines = [f"{counts.examined} recipients left lists by replies; {affected}"]
    lines += [f"  list {list_id} {name or ''}: {count}" for (list_id, name), count in counts.of_lists.most_common()]
    for recipient in named:
        lists = ", ".join(str(each.list_id) for each in recipient.stops)
        left = ", ".join(recipient.left)
        lines.append(f"{recipient.phone} left {left}: no more of {lists} ({recipient.reach.version})")
    lists_of_all = [
        {"list_id": list_id, "name": name, "recipients": count}
        for (list_id, name), count in counts.of_lists.most_common()
    ]
    recipients = [
        {
            "phone": each.phone,
            "left": list(each.left),
            "stops": [stopped.list_id for stopped in each.stops],
            "policy": each.reach.version,
        }
        for each in named
    ]
    fields = {"examined": counts.examined, "would_get_less": counts.recipients, "lists": lists_of_all}
    show("\n".join(lines), {**fields, "recipients": recipients}, as_json=as_json)
