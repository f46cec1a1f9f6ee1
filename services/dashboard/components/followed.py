"""Elements that ask for what takes their place: once, or again and again while somebody looks at the page."""


def followed(path: str, every: str) -> dict[str, str]:
    """Return the attributes of an element that is replaced by what `path` has now, again and again.

    `stopline.js` has it wait while the page is in a hidden tab.

    Args:
        path: with its parameters.
        every: how often, such as 1s.
    """
    return {**replaced(path, f"every {every}"), "data_followed": "1"}


def replaced(path: str, trigger: str) -> dict[str, str]:
    """Return the attributes of an element that is replaced by what `path` has, at htmx's trigger.

    `stopline.js` has it stay as it is where the answer is an error of the server.
    """
    return {"hx_get": path, "hx_trigger": trigger, "hx_swap": "outerHTML", "data_kept": "1"}
