"""The setting of `stopline migrate`."""

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from shared.secret_files import WithSecretFiles


class MigrationSettings(WithSecretFiles):
    """The setting that only the owner of the tables has."""

    model_config = SettingsConfigDict(env_prefix="STOPLINE_", frozen=True)

    optout_migration_url: SecretStr
