"""`stopline partitions change N`: more partitions for a deployment that is stopped (docs/partitions.md)."""

import asyncio
import os
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.output import AsJson, show
from shared.errors import MisconfiguredError, TransientError

if TYPE_CHECKING:
    from harness.say import Say
    from shared.settings import KafkaSettings

_LIMIT = 1_000
Number = Annotated[int, typer.Argument(metavar="N", help="How many there are to be.")]


def add_commands(app: typer.Typer) -> None:
    group = typer.Typer(help="Change the number of partitions.", no_args_is_help=True)
    group.command("change")(_change)
    app.add_typer(group, name="partitions")


def _change(number: Number, *, as_json: AsJson = False) -> int:
    """Give a deployment whose services are all stopped more partitions; ended before its end, run it again."""
    from aiokafka.errors import KafkaError

    from harness.cli.databases import WRONG_DATABASE
    from harness.cli.running_stack import kafka_settings
    from harness.say import say, say_aside
    from shared import failpoints
    from shared.postgres import POSTGRES_UNAVAILABLE

    if not 1 <= number <= _LIMIT:
        raise MisconfiguredError(f"{number} partitions: from 1 to {_LIMIT}")
    failpoints.arm_from_environment()
    settings = kafka_settings().model_copy(update={"partitions": number})
    try:
        asyncio.run(_run(settings, say_aside if as_json else say))
    except* (MisconfiguredError, TransientError) as errors:
        raise _first(errors) from None
    except* WRONG_DATABASE as errors:
        raise MisconfiguredError(f"not databases of this version, or not ours to change: {_first(errors)}") from None
    except* (KafkaError, *POSTGRES_UNAVAILABLE) as errors:
        raise TransientError(f"Kafka or Postgres is unavailable, run this again: {_first(errors)!r}") from None
    text = (
        f"done: start every service with STOPLINE_PARTITIONS={number}, the opt-out service first. Make a backup of both"
        " databases now: older ones do not fit these topics."
    )
    show(text, {"partitions": number}, as_json=as_json)
    return 0


async def _run(settings: "KafkaSettings", say: "Say") -> None:
    from harness.cli.databases import open_database
    from harness.partitions.change import StoppedDeployment, change_partitions
    from shared.reception.state import RECEPTION_GAP_SECONDS

    group_id = os.environ.get("STOPLINE_GROUP_ID", "stopline-optout")
    gap = float(os.environ.get("STOPLINE_RECEPTION_GAP_SECONDS", RECEPTION_GAP_SECONDS))
    async with open_database("optout") as optout, open_database("sender") as sender:
        await change_partitions(StoppedDeployment(settings, group_id, optout, sender, gap, say))


def _first(errors: BaseExceptionGroup[Exception]) -> Exception:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Exception)  # noqa: S101 (a group of exceptions has no others)
    return error
