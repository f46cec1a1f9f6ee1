"""Whether the topics that are there are those that this partition's positions belong to."""

from dataclasses import replace

from services.optout.pipeline.start import MissingRecordsError
from services.optout.record.topics import Topics
from shared.topics import DELIVERY_EVENTS, INBOUND_MESSAGES, SUPPRESSIONS


def belonging(recorded: Topics, identities: dict[str, str]) -> Topics:
    """Return what the positions belong to from now on, where the topics are those that were recorded: pure.

    That of `suppressions` is left as it was: what it must hold can be published again from the record.

    Raises:
        MissingRecordsError: a topic that is read is another one: its offsets mean other records.
    """
    for name, before in ((INBOUND_MESSAGES, recorded.inbound), (DELIVERY_EVENTS, recorded.delivery)):
        if before not in (None, identities[name]):
            raise MissingRecordsError(
                f"{name} is not the topic that this database belongs to (it is {identities[name]}, was {before}):"
                " it was recreated, has another number of partitions, or the database is another deployment's;"
                f" see 'A topic was recreated' in docs/operations.md before `stopline topics adopt {name}`"
            )
    suppressions = identities[SUPPRESSIONS] if recorded.suppressions is None else recorded.suppressions
    return replace(
        recorded, inbound=identities[INBOUND_MESSAGES], delivery=identities[DELIVERY_EVENTS], suppressions=suppressions
    )
