"""A badge: a state in a word."""

import htpy as h

from services.dashboard.components.notice import Tone


def badge(text: str, tone: Tone = "info") -> h.Renderable:
    return h.span(f".badge.{tone}")[text]
