"""The people whose phones are shown, and the lists that they are on. Pure."""

from dataclasses import dataclass

SENDER_NUMBER = "+18335550123"


@dataclass(frozen=True)
class PhoneOwner:
    """The owner of a simulated phone. The numbers are fictional ones of Canada.

    In the United States a STOP to one list is about all of them, from the date of a shipped reach policy.
    """

    name: str
    phone: str


@dataclass(frozen=True)
class DemoList:
    """A list of the demo: its name in the account, who is on it, and a text that suits it."""

    name: str
    members: tuple[str, ...]
    text: str


OWNERS = (
    PhoneOwner("Ada", "+14165550101"),
    PhoneOwner("Ben", "+16045550102"),
    PhoneOwner("Chloé", "+15145550103"),
    PhoneOwner("Dev", "+14035550104"),
    PhoneOwner("Emi", "+16135550105"),
    PhoneOwner("Farah", "+19025550106"),
)
_NAMES = tuple(owner.name for owner in OWNERS)

LISTS = (
    DemoList("Summer sale", _NAMES, "Sale! 20% off everything with a zip."),
    DemoList("Order updates", _NAMES[:4], "Your order is on its way. It waves."),
    DemoList("Book club", _NAMES[2:], "Thursday, 7 pm: the one with the whale."),
)


def members_of(shown: DemoList) -> list[PhoneOwner]:
    return [owner for owner in OWNERS if owner.name in shown.members]
