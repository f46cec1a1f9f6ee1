"""An element that asks for itself again and again, while somebody looks at the page."""


def followed(path: str, every: str) -> dict[str, str]:
    """Return the attributes of an element that is replaced by what `path` has now.

    `stopline.js` has it wait while the page is in a hidden tab, and stay as it is where the answer is an error.

    Args:
        path: with its parameters.
        every: how often, such as 1s.
    """
    return {"hx_get": path, "hx_trigger": f"every {every}", "hx_swap": "outerHTML", "data_followed": "1"}
