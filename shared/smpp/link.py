"""A session with an SMSC that is made again whenever it ends."""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress

from shared.smpp.address import SmppAddress
from shared.smpp.connection import connect
from shared.smpp.metrics import SmppMetrics
from shared.smpp.pdus import Command, bind_body
from shared.smpp.session import RESPONSE_SECONDS, BindRefusedError, Handle, Session, SessionEndedError

log = logging.getLogger(__name__)

_CONNECT_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 0.25
MAX_PAUSE_SECONDS = 30.0
_PROVEN_SECONDS = 60.0
"""A session that has lasted this long was a good one: after it, the next attempt comes soon."""


class SmppLink:
    """A link to one SMSC: a task keeps a session bound, with growing pauses between attempts.

    Args:
        name: what logs and metrics call it.
        address: of the SMSC, with the credentials.
        command: the kind of bind.
        metrics: of the service.
        handle: what the SMSC delivers.
        on_end: called when a session has ended.
    """

    def __init__(  # noqa: PLR0913, PLR0917 (what it connects, and to whom)
        self,
        name: str,
        address: SmppAddress,
        command: Command,
        metrics: SmppMetrics,
        handle: Handle | None = None,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self._address = address
        self._command = command
        self._metrics = metrics
        self._handle = handle
        self._on_end = on_end
        self._bound = asyncio.Event()
        self._session: Session | None = None
        self._task: asyncio.Task[None] | None = None
        self.problem: str | None = "has not been bound yet"
        metrics.bound.labels(name).set(0)

    def start(self) -> None:
        """Begin to connect, in the background."""
        self._task = asyncio.create_task(self._keep_bound(), name=f"smpp {self.name}")

    async def session(self) -> Session:
        """Return the session that is bound, once one is."""
        while True:
            await self._bound.wait()
            if self._session is not None and self._session.is_open:
                return self._session
            self._bound.clear()  # the task that reads it has yet to notice

    async def stop(self) -> None:
        """Unbind and end."""
        if self._session is not None:
            await self._session.unbind()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _keep_bound(self) -> None:
        pause_seconds = _FIRST_PAUSE_SECONDS
        clock = asyncio.get_running_loop().time
        while True:
            begun = clock()
            try:
                await self._run_once()
            except BindRefusedError as error:
                self._note("refused", f"refuses the bind: {error}")
            except (SessionEndedError, TimeoutError, OSError, EOFError) as error:
                self._note("ended", str(error) or "did not answer in time")
            except Exception as error:
                log.exception("SMPP %s: an unexpected error; connecting again", self.name)
                self._note("ended", repr(error))
            if clock() - begun >= _PROVEN_SECONDS:
                pause_seconds = _FIRST_PAUSE_SECONDS
            await asyncio.sleep(pause_seconds * random.uniform(0.75, 1.25))  # noqa: S311 (spreads attempts)
            pause_seconds = min(2 * pause_seconds, MAX_PAUSE_SECONDS)

    async def _run_once(self) -> None:
        """Connect, bind, and read until the session ends.

        Raises:
            BindRefusedError: the SMSC does not want us.
            SessionEndedError: the session ended.
            TimeoutError: connecting or binding took too long.
        """
        address = self._address
        async with asyncio.timeout(_CONNECT_SECONDS):
            connection = await connect(address)
        session = Session(connection, address.enquire_link_seconds, self._handle)
        try:
            body = bind_body(address.system_id, address.password.get_secret_value(), address.system_type)
            async with asyncio.timeout(RESPONSE_SECONDS):
                await session.bind(self._command, body)
            self._enter(session)
            await session.run()
        finally:
            session.end("the session was stopped")
            if self._session is session:
                self._leave()

    def _enter(self, session: Session) -> None:
        self._session, self.problem = session, None
        self._bound.set()
        self._metrics.bound.labels(self.name).set(1)
        self._metrics.binds.labels(self.name, "bound").inc()
        log.info("SMPP %s: bound to %s:%d", self.name, self._address.host, self._address.port)

    def _leave(self) -> None:
        self._session = None
        self._bound.clear()
        self._metrics.bound.labels(self.name).set(0)
        if self._on_end is not None:
            self._on_end()

    def _note(self, outcome: str, problem: str) -> None:
        self.problem = problem
        self._metrics.binds.labels(self.name, outcome).inc()
        log.warning("SMPP %s: %s:%d %s", self.name, self._address.host, self._address.port, problem)
