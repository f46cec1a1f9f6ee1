"""A server that answers every call with one value for each field that the shapes name, and with nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from clicksend_shapes import Shape, call_of

_VALUES = {"int": 1, "num": 0.5, "str": "2026-11-28", "bool": True, "null": None}


def value_of(shape: Shape) -> Any:
    match shape:
        case str():
            return _VALUES[shape]
        case [of]:
            return [value_of(of)]
        case _:
            return {name: value_of(each) for name, each in dict(shape).items()}


@asynccontextmanager
async def stub() -> AsyncIterator[str]:
    """Run the server; give its URL."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", _answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def _answer(request: web.Request) -> web.Response:
    call = call_of(request.method, request.path)
    assert call is not None, request.path
    data = {"any": "thing"} if call.data is None else value_of(call.data)
    data = [] if request.method == "DELETE" and data == [_VALUES["str"]] else data
    return web.json_response({"http_code": 200, "response_code": "SUCCESS", "response_msg": "x", "data": data})
