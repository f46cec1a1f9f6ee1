"""An empty state: shown where there is nothing yet, with what to do next."""

import htpy as h


def empty_state(title: str, text: h.Node, *ways_on: h.Node) -> h.Renderable:
    """Return the empty state; `ways_on` are links or buttons."""
    return h.div(".empty")[h.p(".empty-title")[title], h.p[text], h.div(".actions")[ways_on] if ways_on else None]
