"""A form that somebody has filled in: its texts, and what the API says is wrong with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.dashboard.visit import PageVisit


@dataclass(frozen=True, slots=True)
class FilledForm:
    """A form as it was filled in, with the problem of each field that has one.

    `general` is what is wrong with none of them.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    general: str = ""

    def text(self, name: str) -> str:
        return self.texts.get(name, "").strip()

    def lines(self, name: str) -> list[str]:
        """Return the lines of a field that are not empty."""
        return [line.strip() for line in self.texts.get(name, "").splitlines() if line.strip()]

    def is_on(self, name: str) -> bool:
        """Return whether a box is ticked."""
        return name in self.texts

    def whole_number(self, name: str) -> int | None:
        """Return the number that a field has, if it has one of up to 15 digits."""
        text = self.text(name)
        is_number = text.removeprefix("-").isdecimal() and text.isascii() and len(text) <= _MAX_DIGITS
        return int(text) if is_number else None

    def problem(self, name: str) -> str:
        return self.problems.get(name, "")

    def with_problem(self, message: str, name: str | None, known: Sequence[str]) -> "FilledForm":
        """Return the form with what the API says about a field; of one that is not shown, it is said of the form."""
        if name in known:
            return FilledForm(self.texts, {**self.problems, str(name): message.removeprefix(f"{name}: ")}, self.general)
        return FilledForm(self.texts, self.problems, message)


_MAX_DIGITS = 15


async def filled_form(visit: PageVisit) -> FilledForm:
    """Return the form of a request; files are left out."""
    form = await visit.request.form()
    texts = {name: value.replace("\r\n", "\n") for name, value in form.items() if isinstance(value, str)}
    return FilledForm(texts)
