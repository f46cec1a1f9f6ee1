"""What a page says of a link: done only where the recipient has left the list or the account, for good."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.optout.links.lookup import KnownLink, known_link

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def row(scope: str | None, state: str | None = "opted_out", source: str | None = None, **more: Any) -> Any:
    times = {"sent_at": None, "untimed_at": NOON - timedelta(minutes=1), "sender_number": None}
    return {"name": "Acme", "phone": "+14155550100", "scope": scope, "state": state, "source": source, **times, **more}


@pytest.mark.parametrize(
    "suppressed",
    [
        row(None, None),
        row("list:7", "opted_in"),
        row("list:7", "held"),
        row("account", "held"),
        row("account", source="reassigned"),
        row("list:7", source="clean_up"),
        row("sender:+18335550123", source="carrier"),
    ],
)
def test_who_may_get_messages_of_the_list_again_by_itself_is_asked(suppressed: Any) -> None:
    assert known_link([suppressed], NOON) == KnownLink("Acme")


def test_who_has_left_sees_that_it_is_done() -> None:
    assert known_link([row("list:7")], NOON) == KnownLink("Acme", is_out=True)
    assert known_link([row("list:7", source="api"), row("account")], NOON).is_out_of_all
    assert known_link([row("list:7", source="link")], NOON).may_undo
    assert not known_link([row("list:7", source="link")], NOON + timedelta(minutes=15)).may_undo
