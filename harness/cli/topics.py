"""`stopline topics create | check | acls | adopt | repair`."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer

from harness.cli import acls, recreated
from harness.cli.output import AsJson, show
from shared.errors import MisconfiguredError, TransientError

T = TypeVar("T")


def add_commands(app: typer.Typer) -> None:
    group = typer.Typer(help="Make or check the topics in Kafka.", no_args_is_help=True)
    group.command("create")(_create)
    group.command("check")(_check)
    acls.add_command(group)
    recreated.add_actions(group)
    app.add_typer(group, name="topics")


def _create(*, as_json: AsJson = False) -> int:
    """Make the topics that are missing, then check all; exit code 78 if one is not as it must be."""
    from harness.cli.running_stack import kafka_settings
    from shared.topics import create_topics, topics

    settings = kafka_settings()
    made = set(_asked(create_topics(settings), settings.kafka.bootstrap))
    found = [
        {"topic": topic.name, "made": topic.name in made, "partitions": topic.partitions} for topic in topics(settings)
    ]
    lines = (
        f"{'made' if each['made'] else 'there'}  {each['topic']}  {each['partitions']} partitions" for each in found
    )
    show("\n".join(lines), {"topics": found}, as_json=as_json)
    _refuse(_differences())
    return 0


def _check(*, as_json: AsJson = False) -> int:
    """Say what differs from the topics that the services need; exit code 78 if anything does."""
    found = _differences()
    if as_json:
        show("", {"differences": found}, as_json=True)
    _refuse(found)
    return 0


def _differences() -> list[str]:
    from harness.cli.running_stack import kafka_settings
    from shared.topics import differences

    settings = kafka_settings()
    return list(_asked(differences(settings), settings.kafka.bootstrap))


def _refuse(found: list[str]) -> None:
    if found:
        raise MisconfiguredError("; ".join(found))


def _asked(question: Coroutine[Any, Any, T], bootstrap: str) -> T:
    from aiokafka.errors import KafkaError

    try:
        return asyncio.run(question)
    except (KafkaError, OSError) as error:
        raise TransientError(f"Kafka at {bootstrap} does not answer: {error}") from error
