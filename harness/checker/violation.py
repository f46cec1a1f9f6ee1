"""What the checker reports."""

from dataclasses import dataclass
from typing import Literal

Guarantee = Literal["G1", "G2", "G3", "G4", "G5", "G6", "G8"]


@dataclass(frozen=True, slots=True)
class Violation:
    """A guarantee that a history breaks; `rule` is a stable code, `subject` the message or event it is about."""

    guarantee: Guarantee
    rule: str
    subject: str
    detail: str

    def __str__(self) -> str:
        return f"{self.guarantee} {self.rule}: {self.subject}: {self.detail}"
