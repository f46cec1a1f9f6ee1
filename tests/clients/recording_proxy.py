"""A proxy before the API that judges every answer under `/v3` by the shapes that typed clients accept."""

from typing import Self

import aiohttp
from aiohttp import web
from clicksend_shapes import answer_problems, call_of, refusal_problems
from yarl import URL


class RecordingProxy:
    """An HTTP proxy, to be used as an async context manager.

    Attributes:
        problems: what a typed client would refuse in the answers so far.
    """

    def __init__(self, api_url: str) -> None:
        self.problems: list[str] = []
        self._api_url = api_url
        self._runner: web.AppRunner | None = None
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._forward)
        self._http = aiohttp.ClientSession(auto_decompress=False)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        assert self._http is not None
        await self._runner.cleanup()
        await self._http.close()

    @property
    def url(self) -> str:
        assert self._runner is not None
        host, port = self._runner.addresses[0]
        return f"http://{host}:{port}"

    async def _forward(self, request: web.Request) -> web.Response:
        assert self._http is not None
        url = URL(self._api_url + request.raw_path, encoded=True)
        headers = {name: value for name, value in request.headers.items() if name.lower() != "connection"}
        async with self._http.request(
            request.method, url, data=await request.read(), headers=headers, allow_redirects=False
        ) as answer:
            body = await answer.read()
            if request.path.startswith("/v3/") and answer.content_type == "application/json":
                judged = _problems(request.method, request.path, answer.status, await answer.json())
                self.problems += [f"{request.method} {request.path}: {answer.status}: {each}" for each in judged]
            return web.Response(
                status=answer.status, body=body, headers={"Content-Type": answer.headers["Content-Type"]}
            )


def _problems(method: str, path: str, status: int, body: object) -> list[str]:
    if status != 200:
        return refusal_problems(status, body)
    call = call_of(method, path)
    return ["ClickSend has no such call"] if call is None else answer_problems(call, body)
