"""The rules that every account starts with, and that hold for an account that the database does not know."""

from services.optout.rules.rule import Rule

DEFAULT_RULES = (
    Rule(name="STOP", match="starts_with", terms=("stop",), action="OPT_OUT"),
    Rule(name="START", match="exact", terms=("start", "unstop"), action="OPT_IN"),
)
