"""The gateways by the names that their webhooks' addresses have, for whoever shows them to people."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple


class KnownGateway(NamedTuple):
    """A gateway whose webhooks the inbound service reads.

    `title` is its name for people, `console` where in its console the address of replies is set, and `receipts` the
    same for delivery receipts; None: they come to the address of replies.
    """

    title: str
    console: str
    receipts: str | None = None


def _read() -> Mapping[str, KnownGateway]:
    data = tomllib.loads(files(__package__).joinpath("gateways.toml").read_text("utf-8"))
    return MappingProxyType({name: KnownGateway(**fields) for name, fields in data.items()})


KNOWN_GATEWAYS = _read()
