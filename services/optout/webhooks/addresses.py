"""Resolves names to public addresses only, at each call: a name may point elsewhere than when it was saved."""

import ipaddress
import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOW_32_BITS = 0xFFFF_FFFF


def is_public(address: str) -> bool:
    """Say whether everybody can reach the IP address, and the IPv4 address that it wraps, if any.

    Raises:
        ValueError: it is no IP address.
    """
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour
        if parsed in _NAT64 or int(parsed) <= _LOW_32_BITS:
            inner = ipaddress.IPv4Address(int(parsed) & _LOW_32_BITS)
        if inner is not None and not inner.is_global:
            return False
    return parsed.is_global and not parsed.is_multicast


class PublicResolver(AbstractResolver):
    """A resolver that knows no private, loopback or link-local address."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        public = [each for each in found if is_public(each["host"].partition("%")[0])]
        if not public:
            raise OSError(f"{host} has no public address")
        return public

    async def close(self) -> None:
        await self._resolver.close()
