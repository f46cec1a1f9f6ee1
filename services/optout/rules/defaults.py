"""The rules that every account starts with, and that hold for an account that the database does not know."""

from services.optout.rules.packs import DEFAULT_PACKS, PACKS

DEFAULT_RULES = tuple(rule for pack in DEFAULT_PACKS for rule in PACKS[pack])
