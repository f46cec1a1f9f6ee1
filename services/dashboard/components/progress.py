"""How far a job is: a bar with its figures."""

import htpy as h


def progress(label: str, done: int, total: int) -> h.Renderable:
    """Return the bar; without a total it only says that something is going on."""
    shown = f"{done:,} of {total:,}" if total else f"{done:,}"
    bar = h.progress(value=str(done), max=str(total), aria_label=label) if total else h.progress(aria_label=label)
    return h.div(".progress")[h.div(".progress-text")[h.span[label], h.span(".figure")[shown]], bar]
