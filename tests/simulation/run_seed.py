"""Runs one seed: a world, its faults, and what the oracle says of it."""

import gc
import hashlib
import logging
import sys
import warnings
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from simulation.chaos import Chaos
from simulation.history import History
from simulation.oracle import Finding, judge
from simulation.replaced import replaced_by
from simulation.simulated_world import World

LONGEST_SECONDS = 90.0
_LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class SeedResult:
    """What one seed has shown; `digest` is of the log of all that happened."""

    seed: int
    findings: list[Finding]
    digest: str
    steps: int
    seconds: float
    log: list[str]
    history: History
    faults: list[str]


def run_seed(seed: int, *, quiet: bool = True) -> SeedResult:
    """Run a seed to its end: the same, byte for byte, whenever it is run."""
    random = Random(seed)
    world = World(random)
    chaos = Chaos(world, Random(random.random()))
    chance = Random(random.random())
    disabled = logging.root.manager.disable
    if quiet:
        logging.disable(logging.CRITICAL)
    goes_on = [True]

    def look() -> None:
        goes_on[0] = bool(world.why_not_at_rest())
        world.network.outside(_LOOK_SECONDS, look)

    databases = {"optout": world.optout, "sender": world.ledger}
    with replaced_by(
        world.network, chance, world.broker, world.coordinator, databases, world.carrier.session, chaos.reached
    ):
        chaos.begin()
        world.network.outside(1.0, look)
        world.loop.run_while(lambda: goes_on[0], LONGEST_SECONDS)
    for task in world.loop.tasks:
        if task.done() and not task.cancelled():
            task.exception()  # taken note of: it is in the history where it ended a process
    history = world.finish()
    digest = hashlib.sha256("\n".join(world.network.log).encode()).hexdigest()
    result = SeedResult(
        seed, judge(history), digest, world.loop.steps, world.loop.time(), world.network.log, history, chaos.planned
    )
    _take_apart(world)
    logging.disable(disabled)
    return result


def _take_apart(world: World) -> None:
    """Let go of what was left in the middle of something, without a word and without its code running."""
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    tasks = [task for task in world.loop.tasks if not task.done()]
    world.loop.dispose()
    for task in tasks:
        with suppress(BaseException), warnings.catch_warnings():  # its `finally` wants to go on
            warnings.simplefilter("ignore")
            task.get_coro().close()
    del tasks
    world.__dict__.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect(0)
    logging.disable(disabled)
    sys.unraisablehook = hook
