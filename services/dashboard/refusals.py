"""Errors that become pages: each says what happened and what to do."""


class PageError(Exception):
    """A request that is refused: `title` says why in a few words, `text` what to do."""

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(f"{title}: {text}")
        self.status = status
        self.title = title
        self.text = text


class SignInNeededError(Exception):
    """Nobody is signed in; after signing in they are led back to where they were."""


def not_found(what: str = "page") -> PageError:
    """Return the refusal of what does not exist, or is another account's, which is not to be known."""
    text = "Check the address, or choose a page from the menu."
    return PageError(404, f"There is no such {what}", text)
