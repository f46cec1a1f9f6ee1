"""A process that one test leaves running for the next: each start takes seconds, more after a kill."""

from collections.abc import Mapping

from harness.stack.service import Service


class KeptService(Service):
    """A service whose plain start uses the process that runs, where an earlier test left it as it should be."""

    _plain = False

    async def start(
        self, failpoint: str | None = None, extra_env: Mapping[str, str] | None = None, *, wait: bool = True
    ) -> None:
        """Have it run; a start with settings of its own, or one that is not waited for, is a new process's."""
        plain = wait and not failpoint and not extra_env
        if plain and self._plain and self.alive:
            await self.wait_ready()
            return
        await self.end()
        self._plain = plain
        await super().start(failpoint, extra_env, wait=wait)

    async def end(self) -> None:
        """Have it not run."""
        if self.started:
            await self.stop()

    async def leave(self) -> None:
        """End it, unless it can serve the next test."""
        if not self._plain:
            await self.end()
