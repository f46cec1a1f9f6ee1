"""Measured on the real stack; each figure next to a baseline from the same run."""
