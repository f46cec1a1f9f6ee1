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
class OptedOut:
    """An opt-out in force: the event that made it, and its source; None for a message."""

    cause: UUID
    source: str | None


@dataclass
class ListsModel:
    """The model of one account."""

    members: dict[int, Member] = field(default_factory=dict)
    opt_outs: dict[tuple[str, str], OptedOut] = field(default_factory=dict)

    def active(self, list_id: int) -> list[tuple[int, str]]:
        """Return the contacts that may be sent to, in their order."""
        return [(m.contact_id, m.phone) for m in self.on_list(list_id) if not self._has_left(m)]

    def on_list(self, list_id: int) -> list[Member]:
        return [m for _, m in sorted(self.members.items()) if m.list_id == list_id and m.removed_by is None]

    def _has_left(self, member: Member) -> bool:
        return bool({(member.phone, "account"), (member.phone, f"list:{member.list_id}")} & self.opt_outs.keys())

    def opts_out(self, phone: str, scopes: tuple[str, ...], cause: UUID, source: str | None) -> None:
        for scope in scopes:
            was = self.opt_outs.get((phone, scope))
            if was is None or (was.source == "clean_up" and source != "clean_up"):
                self.opt_outs[phone, scope] = OptedOut(cause, source)

    def opts_in(self, phone: str, scopes: tuple[str, ...]) -> None:
        for scope in scopes:
            self.opt_outs.pop((phone, scope), None)

    def writes_start(self, phone: str) -> None:
        """It lifts what the person's own messages asked for; what others entered needs their word."""
        for key, was in list(self.opt_outs.items()):
            if key[0] == phone and was.source is None:
                del self.opt_outs[key]

    def to_clean_up(self, list_id: int) -> set[str]:
        """Return the phones that opted out of anything of the account and have not left this list."""
        opted_out = {phone for phone, _ in self.opt_outs}
        return {phone for _, phone in self.active(list_id)} & opted_out

    def removes_duplicates(self, list_id: int, by: UUID) -> None:
        seen: set[str] = set()
        for member in self.on_list(list_id):
            if member.phone in seen:
                self.members[member.contact_id] = replace(member, removed_by=by)
            seen.add(member.phone)

    def undoes(self, clean_up: UUID, causes: set[UUID]) -> None:
        self.opt_outs = {key: was for key, was in self.opt_outs.items() if was.cause not in causes}
        for member in self.members.values():
            if member.removed_by == clean_up:
                self.members[member.contact_id] = replace(member, removed_by=None)
