"""Documented examples with anything in the place of some of their values: events or a reason, and never an error.

The bytes of each event are made, too: what can be read can be published.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_documented_examples import EXAMPLES, NOW, content, model

from services.inbound.fields import FORM
from services.inbound.gateways.reported import read_webhook
from services.inbound.records import records_of
from services.inbound.responses import WebhookError

ODD = [
    "",
    "opted out " + "x" * 2000,
    "+14155550100",
    "12345",
    "AMAZON",
    "9" * 40,
    "a\0b",
    "\ud800",
    "\u0661\u0662",
    "{",
]
MEANT = ["603", "21610", "STOP", "delivered", "sms.outbound"]
TEXTS = st.sampled_from(ODD + MEANT) | st.text(max_size=30)
ANYTHING = st.recursive(
    TEXTS | st.integers() | st.floats() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
Place = tuple[str | int, ...]


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Yield where a value is in a document, and where each value in it is."""
    if place:
        yield place
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from places(each, (*place, name))


def put(document: Any, place: Place, value: Any) -> None:
    for name in place[:-1]:
        document = document[name]
    document[place[-1]] = value


def damaged(example: dict[str, Any], data: st.DataObject) -> tuple[str, bytes]:
    content_type, body = content(example)
    is_form = content_type == FORM
    document = dict(parse_qsl(body.decode())) if is_form else example["sns"] if "sns" in example else example["body"]
    document = json.loads(json.dumps(document))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(list(places(document))))
        put(document, place, data.draw(TEXTS if is_form else ANYTHING))
    if is_form:
        return FORM, urlencode(document, errors="replace").encode()
    return content({**example, "sns" if "sns" in example else "body": document})


@pytest.mark.parametrize("gateway", sorted({each.values[0] for each in EXAMPLES}))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_example_is_an_event_or_a_reason(gateway: str, data: st.DataObject) -> None:
    example = data.draw(st.sampled_from([each.values[1] for each in EXAMPLES if each.values[0] == gateway]))
    for event in read_webhook(model(gateway, example), "acme", *damaged(example, data), NOW):
        if isinstance(event, WebhookError):
            assert 400 <= event.status_code < 500
        else:
            assert records_of(event, 12)
