"""What a client may make a server keep or wait for: each limit by itself, small, over a real socket."""

import asyncio
from typing import Any

import pytest
from http_served import GET, QUICK, SIZE, App, answer, ask, served, until_closed

from shared.web.addresses import is_in, networks


@pytest.fixture
def app() -> App:
    return App()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\na: " + b"x" * 17_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\na: " + b"x" * 17_000, b"431"),
        (b"GET / HTTP/1.1\r\n" + b"n" * 17_000, b"431"),
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET /" + b"x" * 9_000, b"414"),
        (b"\r\n" * 10_000, b"431"),
        (b"POST /read HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 102, b"431"),
        (b"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", b"400"),
        (b"POST /read HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", b"400"),
        (b"POST /read HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 200, b"400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400"),
        (bytes(range(256)), b"400"),
    ],
)
async def test_what_is_too_large_or_is_not_http_is_answered_and_ends_its_connection(
    request_bytes: bytes, status: bytes, app: App
) -> None:
    async with served(app) as connect:
        answered = await ask(connect, request_bytes)
    assert answered.split(b" ")[1] == status
    assert b"connection: close" in answered


async def test_headers_up_to_the_limit_are_taken_and_a_trailer_is_not_a_header(app: App) -> None:
    async with served(app) as connect:
        reader, writer = await connect()
        writer.write(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 99 + b"b: " + b"x" * 12_000 + b"\r\n\r\n")
        assert b"x-fields: 100" in await answer(reader)
        await reader.readexactly(2)
        writer.write(b"POST /read HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\na: b\r\n\r\n")
        assert b"x-fields: 1\r\n" in await answer(reader)


@pytest.mark.parametrize(
    "framing", [b"1;" + b"e" * 500_000, b"1\r\nx\r\n" * 100_000, b"0" * 500_000, b"0\r\na: " + b"b" * 500_000]
)
async def test_framing_that_outweighs_its_body_ends_the_request(framing: bytes, app: App) -> None:
    limits: dict[str, Any] = {"chunk_overhead_factor": 2}
    async with served(app, **limits) as connect:
        answered = await ask(connect, b"POST /read HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + framing)
    assert answered.split(b" ")[1] in (b"413", b"400")
    assert app.read == ["http.disconnect"]


@pytest.mark.parametrize("begun", [b"", b"GET / HTT", b"GET / HTTP/1.1\r\na: b\r\n", b"\r\n", GET + b"GET /"])
async def test_a_header_that_does_not_come_ends_its_connection(begun: bytes, app: App) -> None:
    async with served(app, **QUICK) as connect:
        answered = await ask(connect, begun)
    expected = [b"200"] * begun.startswith(GET) + [b"408"] * (begun != b"" and not begun.startswith(GET))
    assert [part.split(b" ")[0] for part in answered.split(b"HTTP/1.1 ")[1:]] == expected


async def test_a_body_that_does_not_come_ends_its_request(app: App) -> None:
    async with served(app, **QUICK) as connect:
        answered = await ask(connect, b"POST /read HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc")
    assert answered.split(b" ")[1] == b"408"
    assert app.read == ["http.disconnect"]


@pytest.mark.parametrize("length", [b"Content-Length: 99999999", b"Transfer-Encoding: chunked"])
async def test_a_body_that_nobody_reads_is_answered_at_once_and_drained_for_a_while(length: bytes, app: App) -> None:
    async with served(app, drained_bytes=10_000, **QUICK) as connect:
        reader, writer = await connect()
        writer.write(b"POST / HTTP/1.1\r\n" + length + b"\r\n\r\n")
        assert b"200 OK" in await answer(reader)
        assert await until_closed(reader) == b"xx"
        reader, writer = await connect()
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: 30000\r\n\r\n" + b"x" * 20_000)
        assert b"200 OK" in await answer(reader)
        writer.write(b"x" * 10_000)  # more than is drained in all
        await until_closed(reader)


async def test_a_small_body_that_nobody_reads_leaves_the_connection_usable(app: App) -> None:
    async with served(app) as connect:
        reader, writer = await connect()
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n")
        assert b"200 OK" in await answer(reader)
        writer.write(b"0123456789" + GET)
        assert b"200 OK" in await answer(reader)


async def test_bodies_that_wait_for_their_application_are_limited_together(app: App) -> None:
    request = b"POST /wait HTTP/1.1\r\nContent-Length: 60000\r\n\r\n" + b"x" * 50_000
    async with served(app, unread_body_bytes=120_000) as connect:
        clients = [await connect() for _ in range(3)]
        for _, writer in clients[:2]:
            writer.write(request)
            await writer.drain()
        await asyncio.sleep(0.2)  # until the first two are received
        clients[2][1].write(request)
        assert b" 503 " in await answer(clients[2][0])
        app.go_on.set()
        assert b"200 OK" in await answer(clients[0][0])


async def test_pipelined_requests_are_answered_in_order_up_to_a_limit(app: App) -> None:
    async with served(app, pipelined_requests=3) as connect:
        reader, writer = await connect()
        writer.write(b"GET /wait HTTP/1.1\r\n\r\n" + GET * 9)
        await asyncio.sleep(0.1)  # until they are received, before the first is answered
        app.go_on.set()
        answered = await until_closed(reader)
    assert [part.split(b" ")[0] for part in answered.split(b"HTTP/1.1 ")[1:]] == [b"200"] * 4 + [b"429"]


async def test_what_was_asked_before_garbage_is_answered_before_it_is_refused(app: App) -> None:
    async with served(app) as connect:
        reader, writer = await connect()
        writer.write(b"GET /wait HTTP/1.1\r\n\r\n\0\0")
        await asyncio.sleep(0.1)  # until both are received, before the first is answered
        app.go_on.set()
        answered = await until_closed(reader)
    assert [part.split(b" ")[0] for part in answered.split(b"HTTP/1.1 ")[1:]] == [b"200", b"400"]


async def test_the_oldest_connection_without_a_request_makes_room(app: App) -> None:
    async with served(app, connections=4) as connect:
        working, waiting = await connect(), await connect()
        working[1].write(b"GET /wait HTTP/1.1\r\n\r\n")
        waiting[1].write(GET)
        assert b"200 OK" in await answer(waiting[0])
        half_open = [await connect() for _ in range(8)]
        assert b"200 OK" in await ask(connect, b"GET / HTTP/1.0\r\n\r\n")
        for reader, _ in half_open[:6]:
            assert await until_closed(reader) == b""
        waiting[1].write(b"GET / HTTP/1.0\r\n\r\n")
        assert b"200 OK" in await until_closed(waiting[0])
        app.go_on.set()
        assert b"200 OK" in await answer(working[0])


async def test_there_is_no_room_beside_requests_that_are_being_answered(app: App) -> None:
    async with served(app, connections=2) as connect:
        working = [await connect() for _ in range(2)]
        for _, writer in working:
            writer.write(b"GET /wait HTTP/1.1\r\n\r\n")
        await asyncio.sleep(0.1)  # until both are received
        assert await ask(connect, GET) == b""
        app.go_on.set()
        for reader, _ in working:
            assert b"200 OK" in await answer(reader)


@pytest.mark.parametrize(("proxies", "kept"), [("", False), ("127.0.0.0/8", True)])
async def test_one_address_has_a_limit_of_its_own_unless_it_is_a_proxy(proxies: str, kept: bool, app: App) -> None:  # noqa: FBT001
    async with served(app, connections_per_address=2, shared_networks=networks(proxies)) as connect:
        first = await connect()
        for _ in range(3):
            assert b"200 OK" in await ask(connect, b"GET / HTTP/1.0\r\n\r\n")
            await connect()
        first[1].write(GET)
        assert (b"200 OK" in await asyncio.wait_for(first[0].read(100), 8)) is kept


async def test_an_answer_that_nobody_reads_is_cut_off(app: App) -> None:
    async with served(app, **QUICK) as connect:
        reader, writer = await connect()
        writer.write(b"GET /large HTTP/1.1\r\n\r\n")
        await answer(reader)
        async with asyncio.timeout(8):
            while not reader.at_eof() and reader.exception() is None:
                await asyncio.sleep(0.05)  # the client takes nothing; the kernel's buffers hold a part
                if writer.is_closing():
                    break
                writer.write(b"x")
        assert len(await until_closed(reader)) < SIZE


async def test_an_answer_that_is_read_slowly_arrives(app: App) -> None:
    async with served(app, **QUICK) as connect:
        reader, writer = await connect()
        writer.write(b"GET /large HTTP/1.0\r\n\r\n")
        await answer(reader)
        received = 0
        while part := await reader.read(64 * 1024):
            received += len(part)
            await asyncio.sleep(0.01)  # in all longer than a client may take nothing
        assert received == SIZE


async def test_answers_that_nobody_reads_are_limited_together(app: App) -> None:
    async with served(app, unsent_bytes=SIZE + 100) as connect:
        clients = [await connect() for _ in range(4)]
        for _, writer in clients:
            writer.write(b"GET /large HTTP/1.0\r\n\r\n")
            await writer.drain()
        read = [len(await until_closed(reader)) for reader, _ in clients]
    assert [size > SIZE for size in read].count(True) >= 1
    assert [size > SIZE for size in read].count(False) >= 2


def test_networks_are_read_and_what_is_not_an_address_is_in_none() -> None:
    read = networks(" 10.0.0.0/8, ::1 ")
    assert [is_in(each, read) for each in ("10.1.2.3", "::1", "11.0.0.1", "", "x")] == [True, True, False, False, False]
    with pytest.raises(ValueError, match="does not appear"):
        networks("10.0.0.0/8, proxy")
