"""The check of texts that confirm opt-outs: what must be in one, and what must not, as far as data can say it. Pure."""

from services.optout.confirmation_texts.check import MAX_SEGMENTS, CheckedText, why_not

__all__ = ["MAX_SEGMENTS", "CheckedText", "why_not"]
