"""Planted histories: what the audit finds is what a simple model says, no message more and none less."""

import random
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

from audited import TEXT, audit_rows
from history_model import START, Message, Reply, expected, histories
from hypothesis import given, settings


def rows_of(messages: list[Message], replies: list[Reply], seed: int = 0) -> tuple[list[list[str]], list[list[str]]]:
    """Return the rows of both files; the messages in an order of their own."""
    sent = [
        [m.phone, m.at.isoformat(), m.number, m.list_name, m.id, TEXT, "delivered" if m.arrived else "undelivered"]
        for m in messages
    ]
    random.Random(seed).shuffle(sent)  # noqa: S311 (no secret)
    came = [
        [r.phone, r.at.isoformat(), r.number, r.text, f"r{r.row}", r.answers.id if r.answers else ""] for r in replies
    ]
    return sent, came


@settings(max_examples=40, deadline=None)
@given(histories())
def test_what_is_found_is_what_a_simple_model_says(history: tuple[list[Message], list[Reply]]) -> None:
    messages, replies = history
    with tempfile.TemporaryDirectory() as folder:
        found = audit_rows(Path(folder), *rows_of(messages, replies))
    wanted = expected(messages, replies)
    assert {
        each["message_id"]: int(each["reply_row"]) for each in found.findings if each["kind"] == "opted_out"
    } == wanted
    assert found.code == (1 if wanted else 0 if replies else 2)  # nothing can be said without replies
    assert found.summary["should_have_been_stopped"]["messages"] == len(wanted)
    assert (found.summary["messages"], found.summary["replies"]) == (len(messages), len(replies))


def test_planted_violations_among_many_phones_are_found_and_no_others(tmp_path: Path) -> None:
    dice = random.Random(7)  # noqa: S311 (no secret)
    phones = [f"+1415{2_000_000 + number}" for number in range(3_000)]
    messages, replies, planted = [], [], set()
    for number, phone in enumerate(phones):
        first = START + timedelta(seconds=dice.randrange(86_400))
        messages.append(Message(f"a{number}", first, phone, "+18335550100", "news", arrived=True))
        if number % 10 == 0:
            stop = first + timedelta(minutes=5)
            text = "STOP" if number % 20 else "please stop"
            replies.append(Reply(len(replies) + 2, stop, phone, "+18335550100", "stop", text, None))
            if number % 30 == 0:
                planted.add(f"b{number}")
        is_late = f"b{number}" in planted or number % 10 != 0
        if is_late:
            messages.append(
                Message(f"b{number}", first + timedelta(days=1), phone, "+18335550100", "news", arrived=True)
            )
        messages.append(Message(f"c{number}", first + timedelta(days=2), phone, "+18335550100", "club", arrived=True))
    found = audit_rows(tmp_path, *rows_of(messages, replies))
    assert Counter(found.ids()) == Counter(planted)
    assert {each["list"] for each in found.findings} == {"news"}
    assert found.summary["should_have_been_stopped"]["phones"] == len(planted)
