"""IP addresses and networks as settings name them."""

import ipaddress
from typing import TypeAlias

_IPV6_NETWORK_BITS = 64

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


def client_network(address: str) -> str:
    """Return what one client has: an IPv4 address, also where IPv6 writes it, or an IPv6 network of 64 bits."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed), _IPV6_NETWORK_BITS), strict=False))
