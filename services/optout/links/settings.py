"""Settings of the pages of opt-out links."""

from pydantic import SecretStr

from services.optout.settings import optout_database
from shared.postgres import DatabaseAddress
from shared.settings import ServiceSettings


class LinksSettings(ServiceSettings):
    """The settings of the process; it only reads the database, and needs no key."""

    optout_database_url: SecretStr

    @property
    def database(self) -> DatabaseAddress:
        return optout_database(self.optout_database_url.get_secret_value())
