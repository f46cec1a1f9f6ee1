"""Creates the opt-out service's tables as their owner, as a deployment does before its services start."""

from urllib.parse import unquote, urlsplit

from harness.stack.backend import Backend
from services.optout.decision_log.access import API, LINKS, PIPELINE, prepare_tables
from services.optout.prepare import MIGRATIONS


async def make_tables(backend: Backend) -> None:
    """Create the tables and grant the services' roles their rights; does nothing where a service owns the tables."""
    owner = _role(backend.optout_database_url)
    roles = {  # of a role that does several things, the last counts: the pages of links need least
        _role(backend.optout_links_url): LINKS,
        _role(backend.optout_pipeline_url): PIPELINE,
        _role(backend.optout_api_url): API,
    }
    if owner not in roles:
        await prepare_tables(backend.optout_database_url, MIGRATIONS, roles)


def _role(url: str) -> str:
    return unquote(urlsplit(url).username or "")
