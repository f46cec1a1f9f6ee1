"""What recognises requests that no list of words can hold: each detector reads a reply and says what it found."""

from collections.abc import Mapping

from services.optout.rules.detectors.echo import find_echo
from services.optout.rules.detectors.finding import Detector, Finding

__all__ = ["DETECTORS", "Detector", "Finding"]

DETECTORS: Mapping[str, Detector] = {
    "echo": find_echo,
    **{name: lambda _, __: None for name in ("plain_words", "wrong_person", "refusal", "slogans")},
}
