"""A field of a form, with its label, a hint, and what is wrong with it."""

from collections.abc import Iterable

import htpy as h


def field(  # noqa: PLR0913 (each is an attribute of the field with a default)
    label: str,
    name: str,
    *,
    kind: str = "text",
    value: str = "",
    hint: str = "",
    problem: str = "",
    required: bool = False,
    autocomplete: str = "off",
    **attributes: str,
) -> h.Renderable:
    """Return a field of one line; `problem` is shown at it, and read with it."""
    given = h.input(
        id=f"field-{name}",
        type=kind,
        name=name,
        value=None if kind == "password" else value,
        required=required,
        autocomplete=autocomplete,
        aria_invalid="true" if problem else None,
        aria_describedby=f"about-{name}" if hint or problem else None,
        **attributes,
    )
    return _labelled(label, name, given, hint, problem)


def text_area(  # noqa: PLR0913 (as above)
    label: str, name: str, *, value: str = "", hint: str = "", problem: str = "", rows: int = 3, **attributes: str
) -> h.Renderable:
    """Return a field of several lines."""
    given = h.textarea(
        id=f"field-{name}",
        name=name,
        rows=str(rows),
        aria_invalid="true" if problem else None,
        aria_describedby=f"about-{name}" if hint or problem else None,
        **attributes,
    )[value]
    return _labelled(label, name, given, hint, problem)


def choice(
    label: str, name: str, options: Iterable[tuple[str, str]], *, chosen: str = "", hint: str = "", **attributes: str
) -> h.Renderable:
    """Return a list to choose from; `options` are values with what is shown of each."""
    given = h.select(id=f"field-{name}", name=name, aria_describedby=f"about-{name}" if hint else None, **attributes)[
        [h.option(value=value, selected=value == chosen)[shown] for value, shown in options]
    ]
    return _labelled(label, name, given, hint, "")


def _labelled(label: str, name: str, given: h.Node, hint: str, problem: str) -> h.Renderable:
    about = h.small(id=f"about-{name}", class_="problem" if problem else None)[problem or hint]
    return h.div(".field")[h.label(for_=f"field-{name}")[label], given, about if hint or problem else None]
