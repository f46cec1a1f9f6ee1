"""The opt-out words of the packs, in `data/packs.toml`."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import NamedTuple


class PackWords(NamedTuple):
    """The words of a pack, and its name as customers see it."""

    name: str
    words: tuple[str, ...]


def _read() -> dict[str, PackWords]:
    packs = tomllib.loads(files(__package__).joinpath("data", "packs.toml").read_text("utf-8"))
    return {
        key: PackWords(pack["name"], tuple(line.strip() for line in pack["terms"].splitlines() if line.strip()))
        for key, pack in packs.items()
    }


PACK_WORDS: Mapping[str, PackWords] = _read()
