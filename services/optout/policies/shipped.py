"""The policies that come with Stopline: what countries' rules ask for, as data with its sources."""

import tomllib
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from services.optout.policies.width import Reach

MAX_VERSION_CHARACTERS = 60


class ShippedPolicy(BaseModel):
    """A shipped policy, for all accounts; `replaces` are the versions before, which apply no more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[str, Field(pattern=rf"^[a-z0-9][a-z0-9.-]{{0,{MAX_VERSION_CHARACTERS - 1}}}$")]
    countries: Annotated[tuple[Annotated[str, Field(pattern="^[A-Z]{2}$")], ...], Field(min_length=1)]
    reach: Reach
    valid_from: AwareDatetime
    source: str
    text: str
    replaces: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its version, as decisions name it."""
        return self.version

    def applies(self, country: str | None, at: datetime) -> bool:
        return country in self.countries and self.valid_from <= at


_POLICIES = TypeAdapter(tuple[ShippedPolicy, ...])


def read_shipped(text: str) -> tuple[ShippedPolicy, ...]:
    """Return the policies of a TOML file, without those that others replace.

    Raises:
        ValueError: it is not such a file.
    """
    try:
        given = _POLICIES.validate_python(tomllib.loads(text).get("policy", ()))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"policy {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    replaced = {version for each in given for version in each.replaces}
    return tuple(each for each in given if each.version not in replaced)


SHIPPED = read_shipped(files(__package__).joinpath("data", "shipped.toml").read_text("utf-8"))


def shipped_policies(file: Path | None) -> tuple[ShippedPolicy, ...]:
    """Return the policies of the file that STOPLINE_REACH_POLICIES_FILE names; without one, those that are shipped.

    Raises:
        ValueError: it cannot be read, or is not such a file.
    """
    try:
        return SHIPPED if file is None else read_shipped(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"STOPLINE_REACH_POLICIES_FILE: {file}: {error}") from None
