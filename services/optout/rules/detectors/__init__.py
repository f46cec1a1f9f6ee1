"""The detectors of requests that no list of words can hold: each detector reads a reply and says what it found."""

from collections.abc import Mapping
from types import MappingProxyType

from services.optout.rules.detectors.echo import find_echo
from services.optout.rules.detectors.finding import Detector, Finding
from services.optout.rules.detectors.plain_words import find_plain_words
from services.optout.rules.detectors.refusal import find_refusal, find_slogan
from services.optout.rules.detectors.wrong_person import find_wrong_person

__all__ = ["DETECTORS", "Detector", "Finding"]

DETECTORS: Mapping[str, Detector] = MappingProxyType(
    {
        "echo": find_echo,
        "plain_words": find_plain_words,
        "wrong_person": find_wrong_person,
        "refusal": find_refusal,
        "slogans": find_slogan,
    }
)
