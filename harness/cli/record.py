"""`stopline record verify`: checks that nobody has changed the opt-out service's decisions since they were written."""

import argparse
from typing import Any

from harness.cli.databases import in_database
from services.optout.record.chain import ChainCheck, check_chain, partitions_with_entries


def add_commands(commands: Any) -> None:
    group = commands.add_parser("record", help="check the record of decisions")
    actions = group.add_subparsers(dest="action", required=True)
    text = "check the hash chain of all entries (STOPLINE_OPTOUT_DATABASE_URL); exit 1 if one is not as it was written"
    actions.add_parser("verify", help=text, description=text).set_defaults(run=_verify)


def _verify(_: argparse.Namespace) -> int:
    checks = in_database("optout", _check_all)
    broken = {partition: check.broken for partition, check in checks.items() if check.broken is not None}
    for partition, entry in broken.items():
        print(f"partition {partition}, entry {entry.sequence}: {entry.difference}")
    intact = sum(check.intact for check in checks.values())
    end = f"the chain is broken in {len(broken)}" if broken else "chain unbroken"
    print(f"{intact} entries of {len(checks)} partitions verified, {end}")
    return 1 if broken else 0


async def _check_all(connection: Any) -> dict[int, ChainCheck]:
    return {each: await check_chain(connection, each) for each in await partitions_with_entries(connection)}
