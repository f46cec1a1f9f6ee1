"""The rules that a command is to go by: the default ones, with packs, or those of a file."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from services.optout.rules import DEFAULT_RULES, Rule, RuleSet, VersionedRule
from services.optout.rules.packs import DEFAULT_PACKS, PACKS
from shared.errors import MisconfiguredError

_RULES = TypeAdapter(list[Rule])


def rules_of(path: Path | None, packs: Sequence[str]) -> RuleSet:
    """Return the rules of the file, else the default ones, with those of `packs`; raises as `chosen_rules` does."""
    return RuleSet(chosen_rules(path, packs))


def chosen_rules(path: Path | None, packs: Sequence[str]) -> list[VersionedRule]:
    """Return the rules of the file, else the default ones, with those of `packs`.

    Raises:
        MisconfiguredError: the file cannot be read, a rule is refused, or there is no such pack.
    """
    chosen = [*_rules(path), *_of_packs(packs)]
    return [VersionedRule(number, 1, rule) for number, rule in enumerate(chosen, 1)]


def _of_packs(names: Sequence[str]) -> Iterable[Rule]:
    unknown = [name for name in names if name not in PACKS]
    if unknown:
        further = ", ".join(name for name in PACKS if name not in DEFAULT_PACKS)
        raise MisconfiguredError(f"--pack {unknown[0]}: there is no such pack; there are {further}")
    return (rule for name in dict.fromkeys(names) if name not in DEFAULT_PACKS for rule in PACKS[name])


def _rules(path: Path | None) -> Iterable[Rule]:
    if path is None:
        return DEFAULT_RULES
    try:
        return _RULES.validate_json(path.read_bytes())
    except OSError as error:
        raise MisconfiguredError(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise MisconfiguredError(f"{path}: rule {place}: {first['msg']}; write a JSON array of rules") from None
