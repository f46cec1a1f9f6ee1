"""The finding of a detector."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from services.optout.rules.normalised_reply import NormalisedReply
from shared.instructions.find import Instruction

Certainty: TypeAlias = Literal["opt_out", "held"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding of a detector.

    `matched_by` is a short word for it. `term` is what matched, in the words of the normalised text or of the phrase; a
    person checks it. `word` is the opt-out word that it means, where a detector knows one.
    """

    kind: Certainty
    matched_by: str
    term: str
    word: str = ""


Detector = Callable[[NormalisedReply, Instruction | None], Finding | None]
