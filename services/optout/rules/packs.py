"""Ready-made rules that an account can switch on, as rules that it sees and may change."""

from collections.abc import Mapping
from types import MappingProxyType

from services.optout.rules.pack_words import PACK_WORDS, PackWords
from services.optout.rules.rule import Rule


def _opt_out_words(pack: PackWords) -> Rule:
    return Rule(name=pack.name, match_type="stands_alone", terms=pack.words, action="OPT_OUT")


def _detector(name: str, detector: str) -> Rule:
    return Rule(name=name, match_type="detector", terms=(detector,), action="OPT_OUT")


def _exact(name: str, action: str, *terms: str, only_as_answer: bool = False) -> Rule:
    fields = {"name": name, "match_type": "exact", "terms": terms, "action": action, "only_as_answer": only_as_answer}
    return Rule.model_validate(fields)


_STOP = ("stop", "stop all", "stop all messages", "stop all texts", "stop this", "stop these", "stop today")

PACKS: Mapping[str, tuple[Rule, ...]] = MappingProxyType(
    {
        "stop": (Rule(name="STOP", match_type="stands_alone", terms=_STOP, action="OPT_OUT"),),
        **{name: (_opt_out_words(pack),) for name, pack in PACK_WORDS.items()},
        "opt_in": (_exact("START", "OPT_IN", "start", "unstop", "resume", "subscribe", "opt in", "optin"),),
        "opt_in_answer": (
            _exact(
                "YES to a question", "OPT_IN", "yes", "y", "yes please", "si", "oui", "ja", "sim", only_as_answer=True
            ),
        ),
        "help": (_exact("HELP", "HELP", "help", "info", "help me", "ayuda", "aide", "hilfe"),),
        "detection": (
            _detector("The instruction, misspelt", "echo"),
            _detector("Requests in plain words", "plain_words"),
            _detector("Somebody else's number", "wrong_person"),
            _detector("Hostile refusals", "refusal"),
        ),
        "slogans": (_detector("Insults and slogans", "slogans"),),
    }
)
"""By the name under which an account switches it on."""

DEFAULT_PACKS = ("stop", "us_per_se", "opt_in", "opt_in_answer", "help", "detection")
