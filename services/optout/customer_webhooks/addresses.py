"""Which addresses a customer's webhook may have: those that everybody can reach, on the ports that are allowed.

Looked at three times: when a rule is saved (its words), when a name is resolved (all that it resolves to), and when the
socket is made (the very address it connects to). A name may point elsewhere than when it was saved.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Collection
from typing import Any, TypeAlias
from urllib.parse import SplitResult, urlsplit

from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

HTTPS_PORTS = frozenset({443, 8443})

# IANA's special-purpose registries (RFC 6890), and what is reserved or multicast.
_REFUSED_IPV4 = tuple(
    ipaddress.IPv4Network(each)
    for each in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
# Of IPv6 only what is assigned for everybody is allowed; all other wrappings of IPv4 addresses are outside of it.
_ALLOWED_IPV6 = ipaddress.IPv6Network("2000::/3")
_REFUSED_IPV6 = tuple(
    ipaddress.IPv6Network(each)
    for each in (
        "2001::/23",  # Teredo, ORCHID, benchmarks, anycast and what else the IETF's protocols use
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)
_LOW_32_BITS = 0xFFFF_FFFF

_HOST = re.compile(r"(?=.{1,253}\.?$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.?")
_PRIVATE_NAMES = (
    "localhost",
    "local",
    "internal",
    "localdomain",
    "home.arpa",
    "lan",
    "arpa",
    "onion",
    "invalid",
    "test",
)


def is_public(address: str) -> bool:
    """Say whether everybody can reach the IP address, and the IPv4 address that it wraps, if any.

    Raises:
        ValueError: it is not an IP address.
    """
    return _is_public(ipaddress.ip_address(address))


def _is_public(address: IpAddress) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _REFUSED_IPV4)
    inner = ipaddress.IPv4Address(int(address) & _LOW_32_BITS)
    if address in _NAT64:
        return _is_public(inner)
    if address.scope_id is not None or address not in _ALLOWED_IPV6:
        return False
    if (int(address) >> 32) & _LOW_32_BITS in _ISATAP and not _is_public(inner):
        return False
    return not any(address in network for network in _REFUSED_IPV6)


def why_not_called(address: str, ports: Collection[int] = HTTPS_PORTS) -> str | None:
    """Return what is wrong with the address of a webhook as a customer wrote it; None: nothing that can be seen."""
    parts = _split(address)
    host, port = (parts.hostname or "", _port(parts)) if parts else ("", None)
    if parts is None or parts.scheme != "https" or not host or "@" in parts.netloc or parts.fragment or "#" in address:
        return "write an https:// address in ASCII, without spaces, a user name or a fragment in it"
    if _is_private(host):
        return f"{host!r} is private; write an address that can be reached from outside"
    if port not in ports:
        return f"port {port} is not called; use one of {', '.join(map(str, sorted(ports)))}"
    return None


def _split(address: str) -> SplitResult | None:
    is_written_out = address.isascii() and address.isprintable() and not set(address) & set(' \\"<>^`{|}')
    try:
        return urlsplit(address) if is_written_out else None
    except ValueError:
        return None


def _port(parts: SplitResult) -> int | None:
    try:
        return 443 if parts.port is None else parts.port
    except ValueError:
        return None


def _is_private(host: str) -> bool:
    try:
        return not is_public(host)
    except ValueError:
        labels = host.rstrip(".").split(".")
        # A bare name, or an address in another notation, such as 2130706433 or 0x7f.1.
        return not _HOST.fullmatch(host) or len(labels) == 1 or labels[-1] in _PRIVATE_NAMES or labels[-1][:1].isdigit()


class PublicResolver(AbstractResolver):
    """A resolver that knows no name of an address that not everybody can reach."""

    def __init__(self, resolver: AbstractResolver | None = None) -> None:
        self._resolver = resolver or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if not found or not all(is_public(each["host"]) for each in found):
            raise OSError(f"{host} has no public address, or one that is not")
        return found

    async def close(self) -> None:
        await self._resolver.close()


def public_socket(ports: Collection[int]) -> Callable[[tuple[Any, ...]], socket.socket]:
    """Return what makes a socket for an address to connect to: none for one that is not public."""

    def made(address: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, (host, port, *_) = address
        if not is_public(host) or port not in ports:
            raise OSError(f"{host} port {port} is not a public address")
        return socket.socket(family, kind, protocol)

    return made


def public_connector(resolver: AbstractResolver, ports: Collection[int], limit: int) -> TCPConnector:
    """Return a connector whose every connection goes to a public address, an address without a name included."""
    return TCPConnector(resolver=resolver, socket_factory=public_socket(ports), limit=limit)
