"""Secrets from files, as Docker and Kubernetes mount them: `STOPLINE_X_FILE` names the file that has `STOPLINE_X`."""

import os
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from shared.errors import MisconfiguredError

_MAX_BYTES = 1024 * 1024


class SecretFiles(PydanticBaseSettingsSource):
    """A source of settings: every secret of a class may be in a file instead of the environment."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the secret, None where no file is named for it.

        Raises:
            MisconfiguredError: the file cannot be read, or the secret is given twice.
        """
        setting = f"{self.config['env_prefix']}{field_name}".upper()
        path = os.environ.get(f"{setting}_FILE")
        if path is None or not _is_secret(field.annotation):
            return None, field_name, False
        if setting in os.environ:
            raise MisconfiguredError(f"settings: {setting} and {setting}_FILE are both set; one of them must go")
        return _read(f"{setting}_FILE", Path(path)), field_name, False

    def __call__(self) -> dict[str, Any]:
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


class WithSecretFiles(BaseSettings):
    """The base of settings whose secrets may be in files."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Look for secrets in the files that the environment names, too."""
        return init_settings, env_settings, dotenv_settings, file_secret_settings, SecretFiles(settings_cls)


def _is_secret(annotation: object) -> bool:
    """Return whether the type is a secret, also one that may be missing or has rules of its own."""
    return annotation is SecretStr or any(map(_is_secret, get_args(annotation)))


def _read(setting: str, path: Path) -> str:
    try:
        with path.open() as file:
            return file.read(_MAX_BYTES).rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise MisconfiguredError(f"settings: {setting}: {path}: {getattr(error, 'strerror', error)}") from None
