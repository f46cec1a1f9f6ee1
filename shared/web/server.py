"""The server of a service: its application on one port, its metrics on another, both within `HttpLimits`."""

import asyncio
import functools
import logging
import resource
import socket
import sys
from collections.abc import Callable
from typing import Any, cast

import uvicorn

from shared.web.connections import Connections
from shared.web.limits import HttpLimits
from shared.web.protocol import LimitedProtocol

log = logging.getLogger(__name__)

_GRACEFUL_STOP_SECONDS = 10
_EXIT_FAILED = 1


def server_config(app: Any, host: str, port: int, limits: HttpLimits, trusted_proxies: list[str]) -> uvicorn.Config:
    """Return uvicorn's settings, with a protocol that keeps to the limits."""
    protocol = functools.partial(LimitedProtocol, Connections(limits))
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=cast("type[LimitedProtocol]", protocol),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies,
        timeout_keep_alive=limits.idle_seconds,
        timeout_graceful_shutdown=_GRACEFUL_STOP_SECONDS,
    )


class Server(uvicorn.Server):
    """A server with a second port for metrics.

    Args:
        config: of the application.
        metrics: of the application that has the metrics; None: there is no such port.
    """

    def __init__(self, config: uvicorn.Config, metrics: uvicorn.Config | None) -> None:
        super().__init__(config)
        self._metrics = metrics
        self.before_shutdown: Callable[[], None] = lambda: None
        """Called before it waits for the answers that are being sent."""

    def stop(self) -> None:
        """Stop serving, and return from `run`."""
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.before_shutdown()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._metrics is not None and not self.should_exit:
            await self._listen(self._metrics)

    async def _listen(self, config: uvicorn.Config) -> None:
        config.load()
        protocol = functools.partial(
            cast("Callable[..., LimitedProtocol]", config.http_protocol_class),
            config=config,
            server_state=self.server_state,
            app_state={},
        )
        try:
            listening = await asyncio.get_running_loop().create_server(protocol, config.host, config.port)
        except OSError as error:
            log.error("metrics cannot be served: %s", error)  # noqa: TRY400 (the text has the cause)
            await self.lifespan.shutdown()
            sys.exit(_EXIT_FAILED)
        self.servers.append(listening)


def allow_open_files(count: int) -> None:
    """Raise the limit on open files to `count` where it is lower and may be raised: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
