"""What an account's lists and opt-outs are after each change, in dictionaries: no SQL, no events, no jobs."""

from dataclasses import dataclass, field, replace
from uuid import UUID


@dataclass(frozen=True)
class Member:
    """A contact of a list; `removed_by` is what took it off, if it is off."""

    contact_id: int
    list_id: int
    phone: str
    removed_by: UUID | None = None


@dataclass(frozen=True)
class Suppressed:
    """A suppression in force: the event that made it, and its source; None for a message."""

    cause: UUID | None
    source: str | None


BY_NOBODY = ("clean_up", "reassigned")
"""Sources of what nobody asked for."""
Key = tuple[str, str]
"""Phone and scope."""


@dataclass
class ListsModel:
    """The model of one account."""

    members: dict[int, Member] = field(default_factory=dict)
    suppressed: dict[Key, Suppressed] = field(default_factory=dict)
    came_back: set[Key] = field(default_factory=set)
    """Where somebody opted in themselves: an opt-out of before that does not count."""

    def active(self, list_id: int) -> list[tuple[int, str]]:
        """Return the contacts that may be sent to, in their order."""
        return [(m.contact_id, m.phone) for m in self.on_list(list_id) if not self._has_left(m)]

    def on_list(self, list_id: int) -> list[Member]:
        return [m for _, m in sorted(self.members.items()) if m.list_id == list_id and m.removed_by is None]

    def opt_outs(self) -> set[Key]:
        """Return the opt-out list: what people asked for."""
        return {key for key, was in self.suppressed.items() if was.source not in BY_NOBODY}

    def _has_left(self, member: Member) -> bool:
        return bool({(member.phone, "account"), (member.phone, f"list:{member.list_id}")} & self.suppressed.keys())

    def is_added(self, list_id: int, phone: str, contact_id: int) -> None:
        self.members[contact_id] = Member(contact_id, list_id, phone)

    def is_removed(self, contact_id: int, by: UUID) -> None:
        self.members[contact_id] = replace(self.members[contact_id], removed_by=by)

    def opts_out(self, phone: str, scopes: tuple[str, ...], cause: UUID | None, source: str | None) -> None:
        for scope in scopes:
            was = self.suppressed.get((phone, scope))
            if was is None or (was.source in BY_NOBODY and source not in BY_NOBODY):
                self.suppressed[phone, scope] = Suppressed(cause, source)
            self.came_back.discard((phone, scope))

    def imports_opt_out(self, phone: str, scope: str, *, is_of_long_ago: bool) -> None:
        if not (is_of_long_ago and (phone, scope) in self.came_back):
            self.opts_out(phone, (scope,), None, "import")

    def opts_in(self, phone: str, scopes: tuple[str, ...]) -> None:
        for scope in scopes:
            if self.suppressed.pop((phone, scope), None) is not None:
                self.came_back.add((phone, scope))

    def writes_start(self, phone: str) -> None:
        """It lifts what the person's own messages asked for; what others entered needs their word."""
        own = [scope for (who, scope), was in self.suppressed.items() if who == phone and was.source is None]
        self.opts_in(phone, tuple(own))

    def to_clean_up(self, list_id: int) -> set[str]:
        """Return the phones that opted out of anything of the account and have not left this list."""
        opted_out = {phone for phone, _ in self.opt_outs()}
        return {phone for _, phone in self.active(list_id)} & opted_out

    def removes_duplicates(self, list_id: int, by: UUID) -> None:
        seen: set[str] = set()
        for member in self.on_list(list_id):
            if member.phone in seen:
                self.is_removed(member.contact_id, by)
            seen.add(member.phone)

    def reports_reassigned(self, phone: str, by: UUID, *, is_of_long_ago: bool) -> None:
        """It ends all consent of before: no message, and no list."""
        if not (is_of_long_ago and (phone, "account") in self.came_back):
            self.opts_out(phone, ("account",), None, "reassigned")
            for member in [m for m in self.members.values() if m.phone == phone and m.removed_by is None]:
                self.is_removed(member.contact_id, by)

    def erases(self, phone: str) -> None:
        """What forbids messages stays."""
        self.members = {number: member for number, member in self.members.items() if member.phone != phone}

    def undoes(self, clean_up: UUID, causes: set[UUID]) -> None:
        self.suppressed = {key: was for key, was in self.suppressed.items() if was.cause not in causes}
        for member in self.members.values():
            if member.removed_by == clean_up:
                self.members[member.contact_id] = replace(member, removed_by=None)
