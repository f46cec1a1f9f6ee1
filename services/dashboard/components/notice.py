"""A notice: what was done, or what is wrong, said aloud by screen readers."""

from typing import Literal

import htpy as h

Tone = Literal["good", "bad", "warn", "info"]
_MARKS: dict[Tone, str] = {"good": "✓", "bad": "✕", "warn": "!", "info": "i"}


def notice(tone: Tone, *content: h.Node) -> h.Renderable:
    """Return a notice; it does not depend on its colour alone."""
    role = "alert" if tone == "bad" else "status"
    return h.div(f".notice.{tone}", role=role)[h.span(".mark", aria_hidden="true")[_MARKS[tone]], h.div[content]]
