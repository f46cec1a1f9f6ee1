"""The address book of a background stack: the file by which commands and programs find the stack."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.account import Account
from harness.machine.private_file import write_private
from harness.processes import HarnessError
from harness.stack.endpoints import Endpoints
from harness.stack.kafka_address import settings_from
from shared.kafka_connection import KafkaConnection
from shared.settings import KafkaSettings


class AddressBook(Endpoints):
    """The addresses and credentials of a stack that runs; `stopline status --json` shows all of them.

    `pid` is the process that owns the stack.
    """

    pid: int
    clone: str
    stack_log: str
    demo_account: Account

    @classmethod
    def parse(cls, written: Mapping[str, Any]) -> "AddressBook":
        """Return the address book that was written as `written`; fields that a later version added are ignored.

        Raises:
            HarnessError: another version wrote it, without a field that this version needs.
        """
        try:
            return cls.model_validate(written)
        except ValidationError:
            raise HarnessError(
                "the running stack was started by another version of Stopline: run `stopline down`, then `stopline up`"
            ) from None

    def write(self, path: Path) -> None:
        """Write the address book where `StackHome.read_address_book` finds it."""
        write_private(path, self.as_json())

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    def kafka(self) -> KafkaSettings:
        """Return how to reach the stack's Kafka."""
        return settings_from(self.kafka_bootstrap, self.kafka_settings)

    def kafka_connection(self) -> KafkaConnection:
        return self.kafka().kafka
