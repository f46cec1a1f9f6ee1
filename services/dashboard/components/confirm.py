"""A button for what must not happen by accident: it asks first, in a dialog."""

import htpy as h


def confirm(  # noqa: PLR0913 (each is a text of the dialog)
    name: str, *fields: h.Node, label: str, question: str, text: h.Node, action: str, csrf_field: h.Node
) -> h.Renderable:
    """Return a button that opens a dialog, whose form is sent to `action`.

    Args:
        name: of the dialog, unique on the page.
        fields: more of the form, hidden or not.
        label: on the button, and on the one that does it: the verb, such as "Remove 412 contacts".
        question: the title of the dialog.
        text: what will happen, and whether it can be undone.
        action: where the form is sent to.
        csrf_field: `visit.csrf_field`.
    """
    return h.div(".confirm")[
        h.button(".danger", type="button", data_opens=f"dialog-{name}", aria_haspopup="dialog")[label],
        h.dialog(id=f"dialog-{name}", aria_labelledby=f"title-{name}")[
            h.article[
                h.h2(id=f"title-{name}")[question],
                h.div[text],
                h.form(method="post", action=action)[
                    csrf_field,
                    fields,
                    h.div(".actions")[
                        h.button(".quiet", type="button", data_closes=f"dialog-{name}")["Cancel"],
                        h.button(".danger", type="submit")[label],
                    ],
                ],
            ]
        ],
    ]
