"""Which addresses a customer's webhook may have, as it is written, as it is resolved, and as it is connected to."""

import asyncio
import socket

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from services.optout.customer_webhooks.addresses import PublicResolver, is_public, public_connector, why_not_called

PUBLIC = [
    "1.1.1.1", "8.8.8.8", "100.63.255.255", "172.15.0.1", "172.32.0.1", "192.0.1.1", "223.255.255.255",
    "2606:4700::1111", "2a00:1450::1", "2600::5efe:101:101", "64:ff9b::101:101",
]  # fmt: skip
PRIVATE = [
    # IPv4, by the networks of IANA's registry
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",  # noqa: S104
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1",
    "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255",
    # IPv6 of its own
    "::", "::1", "fe80::1", "fe80::1%eth0", "2606:4700::1111%eth0", "fec0::1", "feff::1", "fc00::1", "fd00::1",
    "ff02::1", "ff0e::1", "100::1", "2001:db8::1", "2001:2::1", "2001:10::1", "2001:20::1", "3fff::1", "5f00::1",
    "4000::1", "8000::1",
    # IPv4 in IPv6
    "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:224.0.0.1", "::ffff:1.1.1.1", "::ffff:0:10.0.0.1",
    "::ffff:0:1.1.1.1", "::10.0.0.1", "::1.1.1.1", "64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b::e000:1",
    "64:ff9b::c0a8:101", "64:ff9b:1::1", "64:ff9b:1::101:101", "64:ff9b:1:ffff::7f00:1", "2002:a00:1::1",
    "2002:7f00:1::1", "2002:101:101::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2600::5efe:a00:1", "2600::200:5efe:7f00:1",
]  # fmt: skip
WELL_WRITTEN = [
    "https://example.com", "https://example.com/", "https://example.com:443/a?b=c", "https://a-b.example.co.uk:8443/x",
    "https://EXAMPLE.com./x", "https://1.1.1.1/x", "https://[2606:4700::1111]/x", "https://xn--bcher-kva.example/",
    "https://my_host.example.com/", "https://3com.com/",
]  # fmt: skip
BADLY_WRITTEN = [
    "", "example.com", "//example.com", "http://example.com/", "ftp://example.com/", "https://", "https:///x",
    "https:example.com", "https://a@example.com/", "https://a:b@example.com/", "https://@example.com/",
    "https://example.com@127.0.0.1/", "https://example.com/#x", "https://example.com/x#", "https://example.com/a b",
    " https://example.com/", "https://example.com/\n", "https://exa\tmple.com/", "https://example.com/\0",
    "https://example.com\\@10.0.0.1/", "https://10.0.0.1\\.example.com/", "https://b\u00fccher.example/",
    "https://\u2460.example.com/", "https://example.com:80/", "https://example.com:22/", "https://example.com:0/",
    "https://example.com:65536/", "https://example.com:-1/", "https://example.com:x/", "https://localhost/",
    "https://localhost.:443/", "https://a.localhost/", "https://printer.local/", "https://db.internal/",
    "https://x.home.arpa/", "https://intranet/", "https://127.0.0.1/", "https://127.0.0.1./", "https://127.1/",
    "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://0177.0.0.1/", "https://0/",
    "https://127.0.0.0x1/", "https://%31%32%37.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/",
    "https://[fe80::1%25eth0]/", "https://[64:ff9b:1::1]/", "https://[::1/", "https://a..b.com/", "https://-a.com/",
    f"https://{'a' * 64}.com/", f"https://{'a.' * 130}com/",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_what_everybody_can_reach_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_other_addresses_are_not_even_when_they_are_wrapped(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", WELL_WRITTEN)
def test_an_address_that_may_be_called(address: str) -> None:
    assert why_not_called(address) is None


@pytest.mark.parametrize("address", BADLY_WRITTEN)
def test_an_address_that_may_not_be_called(address: str) -> None:
    assert why_not_called(address)


def test_other_ports_are_called_where_a_setting_allows_them() -> None:
    assert why_not_called("https://example.com:9443/", {443, 9443}) is None
    assert why_not_called("https://example.com:8443/", {443, 9443})


class Names(AbstractResolver):
    """A resolver that answers what the test says, another time something else."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 (of the interface)
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=found, port=port, family=socket.AF_INET, proto=0, flags=0)
            for found in self._answers.pop(0)
        ]

    async def close(self) -> None:
        """Hold nothing."""


@pytest.mark.parametrize("addresses", [[], ["10.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["::ffff:1.1.1.1"]])
async def test_a_name_of_any_refused_address_is_unknown(addresses: list[str]) -> None:
    with pytest.raises(OSError, match="no public address"):
        await PublicResolver(Names(addresses)).resolve("example.com", 443)


async def _called(url: str, resolver: AbstractResolver, ports: set[int]) -> str:
    async with (
        aiohttp.ClientSession(connector=public_connector(resolver, ports, 1)) as http,
        asyncio.timeout(5),
    ):
        try:
            await http.post(url)
        except aiohttp.ClientError as error:
            return f"{error!r} {error.__cause__!r}"
    return "answered"


async def test_no_socket_is_made_for_an_address_that_is_not_public() -> None:
    """Neither for one written out, which no resolver is asked for, nor for what a resolver lets through."""
    connected = []
    server = await asyncio.start_server(lambda *_: connected.append(1), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/", f"http://example.com:{port}/"):
        assert "is not a public address" in await _called(url, Names(["127.0.0.1"]), {port})
    assert "is not a public address" in await _called(f"http://1.1.1.1:{port}/", Names(), {443})
    server.close()
    assert connected == []
