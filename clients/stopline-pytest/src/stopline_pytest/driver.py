"""Drives a running stack by its public interfaces: the customer API, Kafka's topics, the sandbox carrier."""

from typing import Self
from uuid import uuid4

from stopline_pytest.account import Account
from stopline_pytest.addresses import Addresses
from stopline_pytest.errors import StoplineError
from stopline_pytest.json_http import JsonHttp
from stopline_pytest.stack import TIMEOUT_SECONDS, Stack


class Stopline:
    """A running stack, to be used as a context manager. May be used by several threads.

    Args:
        addresses: where it is.
        timeout_seconds: the longest wait for anything where a call names no other.
    """

    def __init__(self, addresses: Addresses, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.addresses = addresses
        self._stack = Stack(addresses, timeout_seconds)
        self._accounts: list[Account] = []

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Connect to the stack.

        Raises:
            StoplineError: it cannot be reached.
        """
        self._stack.sandbox.ask("GET", "/health/ready")
        self._stack.log.start()

    def close(self) -> None:
        """Disconnect, all accounts too."""
        for account in self._accounts:
            account.close()
        self._stack.close()

    @property
    def kafka_bootstrap(self) -> str:
        """The address of Kafka, for your own clients."""
        return self.addresses.kafka_bootstrap

    def account(self, account_id: str | None = None) -> Account:
        """Create an account, whose replies the sandbox carrier posts to the stack's webhooks.

        Without an administrator's token the one account that the addresses name is used.

        Raises:
            StoplineError: it cannot be created.
        """
        if not self.addresses.admin_token:
            return self._given_account()
        chosen = account_id or f"test-{uuid4().hex[:16]}"
        with JsonHttp("customer API", self.addresses.api_url, token=self.addresses.admin_token) as api:
            made = api.ask("POST", "/v1/accounts", json={"account_id": chosen, "name": chosen})
        return self._connected(Account(self._stack, chosen, made["api_key"]), made["webhook_path"])

    def existing_account(self, account_id: str, api_key: str) -> Account:
        """Return an account that exists already."""
        account = Account(self._stack, account_id, api_key)
        return self._connected(account, account.api.ask("GET", "/v1/webhook")["webhook_path"])

    def _given_account(self) -> Account:
        if not self.addresses.account_id or not self.addresses.api_key:
            raise StoplineError(
                "accounts cannot be created: give the administrator's token in STOPLINE_ADMIN_TOKEN, or one account for"
                " all tests in STOPLINE_ACCOUNT_ID and STOPLINE_API_KEY"
            )
        return self.existing_account(self.addresses.account_id, self.addresses.api_key)

    def _connected(self, account: Account, webhook_path: str) -> Account:
        inbound = self.addresses.inbound_url_of_sandbox or self.addresses.inbound_url
        urls = {"webhook_url": f"{inbound}{webhook_path}", "receipt_url": f"{inbound}{webhook_path}/receipts"}
        self._accounts.append(account)
        self._stack.sandbox.ask("PUT", f"/accounts/{account.account_id}", json=urls)
        return account
