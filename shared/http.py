"""The HTTP that all services share: health, metrics, and the lifespan that runs a service inside its application."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared import metrics
from shared.errors import MisconfiguredError

log = logging.getLogger(__name__)


class Running(Protocol):
    """The running parts of a service, its `Runtime`."""

    async def problems(self) -> Sequence[str]:
        """Return why the service cannot do its work now; empty: it can."""


RuntimeT = TypeVar("RuntimeT", bound=Running)


class Lifecycle(Generic[RuntimeT]):
    """The life of a service: its running parts, and the reason why its process has to end.

    It is the only thing that an application carries in `app.state`; `lifecycle_of` returns it.
    """

    def __init__(self) -> None:
        self.runtime: RuntimeT | None = None
        self.ended_by: BaseException | None = None
        self.stop_server: Callable[[], None] = lambda: None
        self.stopping = asyncio.Event()
        """Set when the process is asked to stop: answers that would go on end, and their clients connect elsewhere."""

    def lifespan(
        self, running: AbstractAsyncContextManager[RuntimeT]
    ) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
        """Return a lifespan that enters `running`, and refuses to serve where it is misconfigured."""

        @asynccontextmanager
        async def run(_: FastAPI) -> AsyncIterator[None]:
            async with AsyncExitStack() as stack:
                try:
                    self.runtime = await stack.enter_async_context(running)
                except MisconfiguredError as error:
                    self.end(error)
                yield

        return run

    def end(self, error: BaseException) -> None:
        """End the process, whose exit code the first error decides (`shared.service.run_service`).

        Args:
            error: MisconfiguredError: the service must not run like this. Any other: a bug, or a change that only a new
                process can follow.
        """
        if not isinstance(error, MisconfiguredError):
            log.critical("the service stops: %r", error, exc_info=error)
        self.ended_by = self.ended_by or error
        self.stop_server()

    async def problem(self) -> str | None:
        """Return why the service is not ready; None: it is."""
        if self.ended_by is not None:
            return str(self.ended_by) if isinstance(self.ended_by, MisconfiguredError) else repr(self.ended_by)
        if self.runtime is None:
            return "it has not started"
        return "; ".join(await self.runtime.problems()) or None


def lifecycle_of(app: FastAPI) -> Lifecycle[Any]:
    """Return the lifecycle that `add_health` gave the application."""
    lifecycle: Lifecycle[Any] = app.state.lifecycle
    return lifecycle


def runtime_of(request: Request) -> Any:
    """Return the running parts of the service; each service declares their type where it depends on this."""
    return lifecycle_of(request.app).runtime


Respond: TypeAlias = Callable[[str | None], Response]


def as_text(problem: str | None, *, prefix: str = "not ready: ") -> Response:
    """Return the response of `/health/ready` as plain text; 200 where there is no problem."""
    return PlainTextResponse("ready") if problem is None else PlainTextResponse(f"{prefix}{problem}", _UNREADY)


def as_json(problem: str | None) -> Response:
    """Return the response of `/health/ready` as JSON; 200 where there is no problem."""
    ready, unready = {"status": "ready"}, {"status": f"not ready: {problem}"}
    return JSONResponse(ready) if problem is None else JSONResponse(unready, _UNREADY)


_UNREADY = HTTPStatus.SERVICE_UNAVAILABLE


def add_health(app: FastAPI, lifecycle: Lifecycle[Any], respond: Respond = as_text, **options: Any) -> None:
    """Give the application its lifecycle, and the routes `/health/live` and `/health/ready`.

    Args:
        app: of the service.
        lifecycle: of the service.
        respond: makes the response of `/health/ready` from the problem, or from None.
        options: of both routes.
    """
    app.state.lifecycle = lifecycle

    async def live() -> dict[str, str]:
        return {"status": "live"}

    async def ready() -> Response:
        return respond(await lifecycle.problem())

    app.add_api_route("/health/live", live, **options)
    app.add_api_route("/health/ready", ready, **options)


class MetricsApp:
    """An ASGI application that responds to `GET /metrics`, and to nothing else.

    The service is asked each time whether it is ready: an alert needs no second probe, and the log has when it was
    not.
    """

    def __init__(self, lifecycle: Lifecycle[Any]) -> None:
        self._lifecycle = lifecycle
        self._problem: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = scope["type"] == "http" and scope["path"] == "/metrics" and scope["method"] in ("GET", "HEAD")
        response = await self._metrics() if found else Response(status_code=HTTPStatus.NOT_FOUND)
        await response(scope, receive, send)

    async def _metrics(self) -> Response:
        problem = await self._lifecycle.problem()
        if (problem is None) != (self._problem is None):
            log.log(*((logging.INFO, "ready again") if problem is None else (logging.WARNING, f"not ready: {problem}")))
        self._problem = problem
        metrics.READY.set(problem is None)
        return Response(generate_latest(), HTTPStatus.OK, None, CONTENT_TYPE_LATEST)
