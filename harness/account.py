"""The credentials by which a test, the story or a command acts as an account."""

from dataclasses import dataclass

DEMO_ACCOUNT_ID = "demo"
"""The account of a background stack."""


@dataclass(frozen=True)
class Account:
    """The credentials of an account, and the `webhook_url` to which its gateway posts replies."""

    account_id: str
    api_key: str
    webhook_url: str
