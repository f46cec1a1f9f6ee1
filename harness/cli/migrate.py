"""`stopline migrate`: creates the opt-out service's tables as their owner, for roles that cannot change them."""

import asyncio
from typing import Annotated

import typer

from harness.cli.output import AsJson, show


def add_commands(app: typer.Typer) -> None:
    app.command("migrate")(_migrate)


def _migrate(
    *,
    pipeline_role: Annotated[str | None, typer.Option(metavar="NAME", help="Who runs `stopline optout`.")] = None,
    api_role: Annotated[str | None, typer.Option(metavar="NAME", help="Who runs `stopline api`.")] = None,
    links_role: Annotated[str | None, typer.Option(metavar="NAME", help="Who runs `stopline links`.")] = None,
    as_json: AsJson = False,
) -> int:
    """Make the opt-out service's tables, and give its roles their rights (STOPLINE_OPTOUT_MIGRATION_URL)."""
    from harness.cli.migration_settings import MigrationSettings
    from services.optout.decision_log.access import API, LINKS, PIPELINE, prepare_tables
    from services.optout.prepare import MIGRATIONS
    from shared.settings import load

    url = load(MigrationSettings).optout_migration_url.get_secret_value()
    given = {links_role: LINKS, pipeline_role: PIPELINE, api_role: API}
    roles = {role: rights for role, rights in given.items() if role is not None}
    done = list(asyncio.run(prepare_tables(url, MIGRATIONS, roles)))
    if done or as_json:
        show("\n".join(f"migrated: {name}" for name in done), {"migrated": done}, as_json=as_json)
    return 0
