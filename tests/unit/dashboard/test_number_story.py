"""The story of a number in plain words, and the answer to why it gets no messages, which comes first."""

import re
from typing import Any

import pytest

from services.dashboard.components.story import story
from services.dashboard.components.why import why

AT = "2026-11-24T12:00:00.000000Z"
LISTS = [{"list_id": 3, "name": "News", "added_at": AT, "removed_at": None}]


def words(node: object) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", str(node))).strip()


def state(scope: str, **fields: Any) -> dict[str, Any]:
    of_list = scope.startswith("list:")
    list_id = int(scope[5:]) if of_list else None
    names = {3: "News", 4: "Orders"}
    return {
        "scope": scope, "list_id": list_id, "list_name": names.get(list_id or 0), "state": "opted_out",
        "source": "reply", "gateway": None, "text": "Stop", "by": None, "rule": "STOP", "changed_at": AT,
        "is_opt_out": True, "cause_event_id": "0",
    } | fields  # fmt: skip


def number(*states: dict[str, Any], lists: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"phone": "+14155550100", "lists": LISTS if lists is None else lists, "states": list(states)}


@pytest.mark.parametrize(
    ("known", "line"),
    [
        (number(state("account")), "This number gets no messages at all."),
        (number(state("account", state="held")), "This number gets no messages at all."),
        (number(state("list:3")), "This number gets no messages from News."),
        (number(state("list:4")), "This number gets messages from News, and none from Orders."),
        (number(state("sender:+18335550123")), "This number gets no messages from +18335550123."),
        (number(state("sender:123"), state("list:3")), "This number gets no messages from News and 123."),
        (
            number(state("list:4"), state("sender:123"), state("list:5")),
            "This number gets messages from News, and none from Orders, 5 and 123.",
        ),
        (
            number(*(state(f"list:{n}") for n in range(3, 12))),
            "This number gets no messages from News, Orders, 5, 6 and 5 more.",
        ),
        (number(state("account", source="carrier"), state("list:3")), "This number gets no messages at all."),
        (number(state("account", source="reassigned", is_opt_out=False)), "This number gets no messages at all."),
        (number(state("list:3", source="clean_up"), lists=[]), "This number gets no messages from News."),
        (number(state("account", state="opted_in")), "Nothing keeps messages from this number: it is on News."),
        (number(), "Nothing keeps messages from this number: it is on News."),
        (number(lists=[]), "Nothing is known of this number"),
        (number(lists=[{**LISTS[0], "removed_at": AT}]), "Nothing is known of this number"),
    ],
)
def test_the_first_line_says_why_a_customer_gets_no_messages(known: dict[str, Any], line: str) -> None:
    said = str(why(known, []))
    strong = re.search(r'<strong class="why">(.*?)</strong>', said)
    assert strong is not None
    assert strong[1].startswith(line)


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        ({}, "Everything: they wrote Stop,"),
        ({"source": "link"}, "they used the opt-out link of a message"),
        ({"source": "carrier", "gateway": "twilio"}, "the carrier (twilio) itself refuses"),
        ({"source": "import"}, "imported from another system"),
        ({"source": "phone_call", "by": "ada"}, "entered by ada (phone call): Stop"),
        ({"source": "clean_up"}, "a clean-up took the number off"),
        ({"source": "reassigned"}, "the number belongs to somebody else now"),
        ({"source": "something_new"}, "entered (something new)"),
        ({"state": "held"}, "waits for a person to decide"),
    ],
)
def test_each_way_in_which_messages_were_stopped_is_said(cause: dict[str, Any], said: str) -> None:
    assert said in words(why(number(state("account", **cause)), []))


def test_where_nothing_stops_it_the_last_message_says_what_became_of_it() -> None:
    rejected = {"what": "message", "outcome": "rejected", "error": "word_without_rule", "at": AT}
    assert "The last message was rejected before it left: word_without_rule" in words(why(number(), [rejected]))
    sent = {"what": "message", "outcome": "sent", "error": None, "at": AT}
    assert "The last message" not in words(why(number(), [rejected, sent]))


def decision(**fields: Any) -> dict[str, Any]:
    known = {"what": "decision", "at": AT, "sequence": 7, "partition": 2, "text": "Stop", "answer": "opt_out"}
    return known | {"reason": "opted_out", **fields}


def requested(source: str, **fields: Any) -> dict[str, Any]:
    return decision(what="request", request={"source": source}, **fields)


def message(outcome: str, **fields: Any) -> dict[str, Any]:
    return {"what": "message", "at": AT, "outcome": outcome, "list_id": 3, "message_id": "m", **fields}


BY_RULE = decision(changed=["list:3"], rule="STOP", rule_version=4, term="stop")
CONSENT = requested("by_hand", answer="opt_in", changed=["account"], by="ada")
ITEMS = [
    (BY_RULE, "They wrote, and opted out of list News."),
    (BY_RULE, "rule STOP, version 4, by “stop”"),
    (decision(changed=["list:3", "sender:+1833"]), "opted out of list News and number +1833."),
    (decision(raised=["account"]), "opted out of everything."),
    (decision(reason="already_opted_out"), "They had opted out already."),
    (decision(answer="none", reason="no_rule"), "No rule matched it; nothing changed."),
    (decision(answer="none", reason="unheard_of"), "They wrote."),
    (decision(answer="held", changed=["list:3"]), "it is held for review"),
    (decision(answer="opt_in", changed=["list:3"]), "They wrote, and opted back in to list News."),
    (decision(answer="confirmed", raised=["list:3"], by="ada"), "ada looked at a held reply: it is an opt-out"),
    (decision(answer="released", changed=["list:3"], by="ada"), "it is not an opt-out; messages go again"),
    (requested("link", changed=["account"]), "They used the opt-out link"),
    (requested("carrier", changed=["sender:1"], by="twilio"), "The carrier (twilio) refused"),
    (requested("clean_up", changed=["list:3"]), "A clean-up took the number off list News."),
    (requested("import", changed=["account"]), "An opt-out was imported: everything."),
    (CONSENT, "Consent was entered by ada (by hand): messages go again to everything."),
    (requested("erasure", answer="erased", text=""), "What was known of the person was erased."),
    (message("sent", instruction="Reply STOP"), "A message was sent to list News."),
    (message("sent", instruction="Reply STOP"), "its way out: Reply STOP"),
    (message("suppressed"), "because the number had opted out; it was for list News."),
    (message("failed", error="30006"), "why: 30006"),
    (message("sent", confirms="e"), "The one answer to their opt-out was sent to list News."),
    (message("failed", confirms="e"), "A message was not sent; it was for list News."),
    (message("of the future"), "A message: of the future"),
]


@pytest.mark.parametrize(("item", "said"), ITEMS)
def test_every_item_is_a_sentence(item: dict[str, Any], said: str) -> None:
    assert said in words(story([item], {3: "News"}))


def test_what_somebody_wrote_is_text_and_nothing_else() -> None:
    shown = str(story([decision(text='<script>alert(1)</script> "x"', changed=["account"])], {}))
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
