"""Runs one coroutine on a simulated database, for tests that compare it with a real Postgres."""

from collections.abc import Callable, Coroutine, Mapping
from random import Random
from typing import Any

from simulation.connections import SimulatedPool
from simulation.database import Database
from simulation.network import Network
from simulation.virtual_loop import SimulatedProcess, VirtualLoop


def played(
    statements: Mapping[str, Callable[..., Any]], play: Callable[[SimulatedPool], Coroutine[Any, Any, Any]]
) -> tuple[Any, Database]:
    """Return what `play` returns, and the database as it is then."""
    loop = VirtualLoop(Random(1))
    database = Database(Network(loop, Random(2)), statements, "alone")
    task = loop.start(SimulatedProcess("alone"), play(SimulatedPool(database)))
    loop.run_while(lambda: not task.done(), 10_000.0)
    result = task.result()
    loop.dispose()
    return result, database
