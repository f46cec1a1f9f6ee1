"""`stopline topics create | check | acls | adopt | repair`."""

import argparse
import asyncio
from typing import Any

from aiokafka.errors import KafkaError

from harness.cli import acls, recreated
from harness.cli.running_stack import kafka_settings
from shared.errors import MisconfiguredError, TransientError
from shared.topics import create_topics, differences, topics


def add_commands(commands: Any) -> None:
    group = commands.add_parser("topics", help="make or check the topics in Kafka")
    actions = group.add_subparsers(dest="action", required=True)
    actions.add_parser("create", help="make the topics that are missing").set_defaults(run=_create)
    actions.add_parser("check", help="say what differs; exit 1 if anything does").set_defaults(run=_check)
    acls.add_command(actions)
    recreated.add_actions(actions)


def _create(_: argparse.Namespace) -> int:
    settings = kafka_settings()
    try:
        made = set(asyncio.run(create_topics(settings)))
    except (KafkaError, OSError) as error:
        raise TransientError(f"Kafka at {settings.kafka.bootstrap} does not answer: {error}") from error
    for topic in topics(settings):
        print(f"{'made' if topic.name in made else 'there'}  {topic.name}  {topic.partitions} partitions")
    return _check(_)


def _check(_: argparse.Namespace) -> int:
    settings = kafka_settings()
    try:
        found = asyncio.run(differences(settings))
    except (KafkaError, OSError) as error:
        raise TransientError(f"Kafka at {settings.kafka.bootstrap} does not answer: {error}") from error
    if found:
        raise MisconfiguredError("; ".join(found))
    return 0
