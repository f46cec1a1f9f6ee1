"""The detectors of requests that no list of words can hold: each detector reads a reply and says what it found.

To add one, write its function and its line in `DETECTORS`; rules of the match type `detector` name it by its key.
"""

from services.optout.rules.detectors.echo import find_echo
from services.optout.rules.detectors.finding import Detector, Finding
from services.optout.rules.detectors.plain_words import find_plain_words
from services.optout.rules.detectors.refusal import find_refusal, find_slogan
from services.optout.rules.detectors.wrong_person import find_wrong_person

__all__ = ["DETECTORS", "Detector", "Finding"]

DETECTORS: dict[str, Detector] = {
    "echo": find_echo,
    "plain_words": find_plain_words,
    "wrong_person": find_wrong_person,
    "refusal": find_refusal,
    "slogans": find_slogan,
}
