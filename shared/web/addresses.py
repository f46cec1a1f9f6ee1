"""IP addresses and networks as settings name them."""

import ipaddress
from typing import TypeAlias

Networks: TypeAlias = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


def networks(text: str) -> Networks:
    """Read addresses and networks, separated by commas.

    Raises:
        ValueError: one of them is neither.
    """
    return tuple(ipaddress.ip_network(each.strip()) for each in text.split(",") if each.strip())


def is_in(address: str, among: Networks) -> bool:
    """Say whether an address is in one of the networks; what is not an address is in none."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in among)
