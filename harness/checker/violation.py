"""The checker's report."""

from dataclasses import dataclass
from typing import Literal

Guarantee = Literal["G1", "G2", "G3", "G4", "G5", "G6", "G8"]


@dataclass(frozen=True, slots=True)
class Violation:
    """A guarantee that a run broke: `rule` is the check's name, `subject` the message, reply or scope concerned."""

    guarantee: Guarantee
    rule: str
    subject: str
    detail: str

    def __str__(self) -> str:
        return f"{self.guarantee} {self.rule}: {self.subject}: {self.detail}"
