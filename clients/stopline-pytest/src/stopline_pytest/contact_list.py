"""A contact list of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stopline_pytest.account import Account
    from stopline_pytest.message import Message
    from stopline_pytest.phone import Phone

_MAX_CONTACTS = 1000


class ContactList:
    """A contact list. `list_id` is what a producer writes."""

    def __init__(self, account: Account, list_id: int, name: str) -> None:
        self.account = account
        self.list_id = list_id
        self.name = name

    def __repr__(self) -> str:
        return f"ContactList({self.list_id}, {self.name!r})"

    def add(self, *phones: Phone | str) -> None:
        """Put phones on the list."""
        numbers = [phone if isinstance(phone, str) else phone.number for phone in phones]
        for first in range(0, len(numbers), _MAX_CONTACTS):
            contacts = [{"phone": number, "fields": {}} for number in numbers[first : first + _MAX_CONTACTS]]
            self.account.api.ask("POST", f"/v1/lists/{self.list_id}/contacts", json={"contacts": contacts})
        self.account.timeline.note(f"list {self.list_id}: {', '.join(numbers[:3])} added ({len(numbers)} in all)")

    def send(self, phone: Phone | str, body: str, **options: Any) -> Message:
        """Request a message of this list; see `Account.send`."""
        return self.account.send(self, phone, body, **options)

    def status(self, phone: Phone | str) -> str | None:
        """Return `active`, `opted_out` or `held`, after every reply before is decided; None for who is not on it."""
        number = phone if isinstance(phone, str) else phone.number
        self.account.check(number, self)
        contacts = self.account.api.pages(f"/v1/lists/{self.list_id}/contacts", "contacts")
        return next((str(contact["status"]) for contact in contacts if contact["phone"] == number), None)
