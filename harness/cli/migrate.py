"""`stopline migrate`: creates the opt-out service's tables as their owner, for roles that cannot change them."""

import argparse
import asyncio
from typing import Any

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from shared.secret_files import WithSecretFiles
from shared.settings import load


class MigrationSettings(WithSecretFiles):
    """The setting that only the owner of the tables has."""

    model_config = SettingsConfigDict(env_prefix="STOPLINE_", frozen=True)

    optout_migration_url: SecretStr


def add_commands(commands: Any) -> None:
    text = "make the opt-out service's tables, and give its roles their rights (STOPLINE_OPTOUT_MIGRATION_URL)"
    command = commands.add_parser("migrate", help=text, description=text)
    command.add_argument("--pipeline-role", metavar="NAME", help="who runs `stopline optout`")
    command.add_argument("--api-role", metavar="NAME", help="who runs `stopline api`")
    command.add_argument("--links-role", metavar="NAME", help="who runs `stopline links`")
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from services.optout.decision_log.access import API, LINKS, PIPELINE, prepare_tables
    from services.optout.prepare import MIGRATIONS

    url = load(MigrationSettings).optout_migration_url.get_secret_value()
    given = {arguments.links_role: LINKS, arguments.pipeline_role: PIPELINE, arguments.api_role: API}
    roles = {role: rights for role, rights in given.items() if role is not None}
    for name in asyncio.run(prepare_tables(url, MIGRATIONS, roles)):
        print(f"migrated: {name}")
    return 0
