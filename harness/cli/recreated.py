"""`stopline topics adopt | repair`: an operator decides about a topic that differs from its database."""

from typing import Annotated, Literal

import typer

from harness.cli.output import AsJson, show

AdoptedTopic = Literal["delivery-events", "inbound-messages", "outbound-messages"]
"""Topics whose database remembers which one it belongs to."""


def add_actions(group: typer.Typer) -> None:
    group.command("adopt")(_adopt)
    group.command("repair")(_repair)


def _adopt(topic: Annotated[AdoptedTopic, typer.Argument()], *, as_json: AsJson = False) -> int:
    """Go on with a topic that was recreated, from its beginning."""
    from harness.cli.databases import in_database
    from services.optout.decision_log.topics import adopt_delivery, adopt_inbound
    from services.sender.ledger.topics import adopt as adopt_outbound

    match topic:
        case "inbound-messages":
            in_database("optout", adopt_inbound)
        case "delivery-events":
            in_database("optout", adopt_delivery)
        case "outbound-messages":
            in_database("sender", adopt_outbound)
    text = f"{topic}: the topic that is there is taken when its reader starts"
    show(text, {"adopted": topic}, as_json=as_json)
    return 0


def _repair(*, as_json: AsJson = False) -> int:
    """Have `suppressions` compared with the record and corrected by the running opt-out service."""
    from harness.cli.databases import in_database
    from services.optout.decision_log.topics import ask_for_repair

    in_database("optout", ask_for_repair)
    text = "the opt-out service compares suppressions with its record, now or when it starts"
    show(text, {"asked": True}, as_json=as_json)
    return 0
