"""The question before a campaign is made: to how many, what, when, for how much; nothing is sent without an answer."""

from collections.abc import Mapping
from typing import Any

import htpy as h

from services.dashboard.components.figure import figure, figures
from services.dashboard.given import FilledForm
from services.dashboard.visit import PageVisit

ANSWER = "is_sure"
"""The field of the form that the question adds."""
_ASKED = ("name", "list_id", "sender_number", "body", "scheduled_at", "purpose", "key")


def question(visit: PageVisit, form: FilledForm, found: Mapping[str, Any]) -> h.Node:
    """Return the question about a campaign as it is filled in; `found` is its preview, as the API gives it."""
    recipients = found["recipients"]
    many = "many people" if recipients is None else "1 person" if recipients == 1 else f"{recipients:,} people"
    when = form.text("scheduled_at").replace("T", " ")
    verb = f"Schedule for {when} UTC" if when else f"Send to {many} now"
    return h.article(".narrow")[
        h.h1["Schedule this campaign?" if when else "Send this campaign now?"],
        h.p[h.strong[form.text("name")], f", from {form.text('sender_number')}. An example:"],
        h.ul(".examples")[h.li[h.p(".bubble.ours")[_example(found)]]],
        figures(
            figure("Recipients", "many" if recipients is None else f"{recipients:,}"),
            figure("Costs", _cost(found), "segments in all"),
        ),
        h.p(".hint")[
            "It can be paused and cancelled; nothing can undo what has reached a phone. Who has opted out, or does "
            "so before their message leaves, gets nothing."
        ],
        h.form(method="post", action="/campaigns/new")[
            visit.csrf_field,
            [h.input(type="hidden", name=name, value=form.texts.get(name, "")) for name in _ASKED],
            h.div(".actions")[
                h.button(".quiet", type="submit", formaction="/campaigns/preview")["Back to the text"],
                h.button(type="submit", name=ANSWER, value="yes")[verb],
            ],
        ],
    ]


def _example(found: Mapping[str, Any]) -> str:
    text: str = found["examples"][0]["text"] if found["examples"] else found["text"]
    return text


def _cost(found: Mapping[str, Any]) -> str:
    return "-" if found["segments_of_all"] is None else f"{found['segments_of_all']:,}"
