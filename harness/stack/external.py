"""The backend that already runs: its addresses are in the environment, and the harness does not control it."""

import os
from typing import NoReturn

from harness.processes import HarnessError


class ExternalBackend:
    """A Kafka and a PostgreSQL that somebody else runs.

    Their addresses are in STOPLINE_KAFKA_BOOTSTRAP, STOPLINE_OPTOUT_DATABASE_URL and STOPLINE_SENDER_DATABASE_URL, and
    in STOPLINE_OPTOUT_API_DATABASE_URL, STOPLINE_OPTOUT_LINKS_DATABASE_URL and STOPLINE_OPTOUT_MIGRATION_URL where the
    API, the pages of links and the owner of the tables have roles of their own.

    Raises:
        HarnessError: one of them is not set.
    """

    def __init__(self) -> None:
        self.kafka_bootstrap = _setting("STOPLINE_KAFKA_BOOTSTRAP")
        self.kafka_nodes = len(self.kafka_bootstrap.split(","))
        self.optout_pipeline_url = _setting("STOPLINE_OPTOUT_DATABASE_URL")
        self.optout_api_url = os.environ.get("STOPLINE_OPTOUT_API_DATABASE_URL", self.optout_pipeline_url)
        self.optout_links_url = os.environ.get("STOPLINE_OPTOUT_LINKS_DATABASE_URL", self.optout_pipeline_url)
        self.optout_database_url = os.environ.get("STOPLINE_OPTOUT_MIGRATION_URL", self.optout_pipeline_url)
        self.sender_database_url = _setting("STOPLINE_SENDER_DATABASE_URL")

    async def start(self) -> None:
        """There is nothing to start; the services report what they cannot reach."""

    async def stop(self) -> None:
        """There is nothing to stop."""

    def kafka_alive(self, node: int = 0) -> bool:
        """Return True: somebody else looks after it."""
        return node >= 0

    def postgres_alive(self) -> bool:
        """Return True: somebody else looks after it."""
        return True

    async def kill_kafka(self, node: int = 0) -> None:
        _refuse(f"kill Kafka node {node}")

    async def start_kafka(self, node: int = 0) -> None:
        _refuse(f"start Kafka node {node}")

    async def pause_kafka(self, node: int = 0) -> None:
        _refuse(f"pause Kafka node {node}")

    async def resume_kafka(self, node: int = 0) -> None:
        _refuse(f"resume Kafka node {node}")

    async def kill_postgres(self) -> None:
        _refuse("kill PostgreSQL")

    async def start_postgres(self) -> None:
        _refuse("start PostgreSQL")

    async def pause_postgres(self) -> None:
        _refuse("pause PostgreSQL")

    async def resume_postgres(self) -> None:
        _refuse("resume PostgreSQL")


def _setting(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise HarnessError(f"the external backend needs {name}: set it, or choose another STOPLINE_BACKEND")
    return value


def _refuse(what: str) -> NoReturn:
    raise HarnessError(f"cannot {what}: the external backend belongs to somebody else (use embedded or containers)")
