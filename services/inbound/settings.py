"""The inbound service's settings."""

from shared.secret_rules import LongSecret, OptionalSecret, values
from shared.settings import ServiceSettings


class InboundSettings(ServiceSettings):
    """The settings of `services/inbound`."""

    webhook_key: LongSecret
    """The key that all webhook secrets are derived from; the same as the customer API's."""
    webhook_key_previous: OptionalSecret = None
    """The previous key, while gateways still use addresses derived from it."""

    @property
    def webhook_keys(self) -> tuple[str, ...]:
        """Every key that addresses may be derived from, the current one first."""
        return values(self.webhook_key, self.webhook_key_previous)
