"""Topic `evidence-anchors`: where the hash chains of the record are, kept outside the database that they are about.

Partition *p* has the anchors of the chain of partition *p*; they name nobody, so that anyone may keep them.
"""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints, TypeAdapter

from shared.events.base import Event, Time

Sequence = Annotated[int, Field(ge=1)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class AnchorPublished(Event):
    """The end of a partition's hash chain: entry `sequence` has the hash `head_hash`, and so has everything before it.

    `next_offset` is how far `inbound-messages` was decided then, as in a watermark.
    """

    category: ClassVar[str] = "evidence"

    type: Literal["anchor_published"] = "anchor_published"
    partition: Annotated[int, Field(ge=0)]
    sequence: Sequence
    head_hash: Sha256
    next_offset: Annotated[int, Field(ge=0)]
    anchored_at: Time

    def cloud_event_id(self) -> str:
        return f"anchor-{self.partition}-{self.sequence}"

    def cloud_event_time(self) -> datetime:
        return self.anchored_at


anchors: TypeAdapter[AnchorPublished] = TypeAdapter(AnchorPublished)
