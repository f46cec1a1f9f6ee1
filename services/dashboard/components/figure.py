"""A figure: one number that matters, with what it is of."""

import htpy as h


def figure(label: str, value: h.Node, hint: h.Node = None) -> h.Renderable:
    """Return the figure, large, under its label."""
    return h.div(".stat")[h.dt[label], h.dd[value], h.dd(".hint")[hint] if hint is not None else None]


def figures(*each: h.Node) -> h.Renderable:
    """Return several figures beside each other."""
    return h.dl(".stats")[each]
