"""Opt-out links in messages: put in the place of a placeholder right before the carrier is called."""

from dataclasses import dataclass

from shared.events.outbound import MessageRequested
from shared.opt_out_links import has_placeholder, link_token, with_link
from shared.partitions import partition_of


@dataclass(frozen=True, slots=True)
class LinkWriter:
    """The writer of links; without a `url` there are none, and the gate rejects a message that has a placeholder."""

    url: str | None
    key: str
    partitions: int

    def will_write(self, request: MessageRequested) -> bool:
        """Say whether the message leaves with a link."""
        return self.url is not None and has_placeholder(request.body)

    def token_of(self, request: MessageRequested) -> str | None:
        """Return the token of the message's link; None: it has no placeholder, or there are no links."""
        if not self.will_write(request):
            return None
        partition = partition_of(request.phone, self.partitions)
        return link_token(self.key, request.account_id, request.message_id, partition, self.partitions)

    def written(self, request: MessageRequested, token: str | None) -> MessageRequested:
        """Return the message as it leaves."""
        if token is None or self.url is None:
            return request
        return request.model_copy(update={"body": with_link(request.body, self.url, token)})


WITHOUT_LINKS = LinkWriter(None, "", 1)
