"""The interface of a backend: a Kafka and a PostgreSQL with two databases, and the faults that tests cause in them."""

from typing import Protocol


class Backend(Protocol):
    """A Kafka and a PostgreSQL, wherever they run. Nodes of Kafka are numbered from 0."""

    @property
    def kafka_bootstrap(self) -> str: ...

    @property
    def kafka_nodes(self) -> int: ...

    @property
    def optout_database_url(self) -> str:
        """The address for the owner of the opt-out service's tables."""

    @property
    def optout_pipeline_url(self) -> str: ...

    @property
    def optout_api_url(self) -> str: ...

    @property
    def optout_links_url(self) -> str: ...

    @property
    def sender_database_url(self) -> str: ...

    async def start(self) -> None:
        """Start both and wait until they serve.

        Raises:
            HarnessError: something is missing or did not start; the text has the fix. Nothing is left running.
        """

    async def stop(self) -> None:
        """Stop both; does nothing where they are not running."""

    def kafka_alive(self, node: int = 0) -> bool:
        """Return whether the node runs; it may not serve yet, or be frozen."""

    def postgres_alive(self) -> bool:
        """Return whether the server runs."""

    async def kill_kafka(self, node: int = 0) -> None:
        """End a node as `kill -9` does."""

    async def start_kafka(self, node: int = 0) -> None:
        """Start a node that was killed, with its data and at its address, and wait until it serves."""

    async def pause_kafka(self, node: int = 0) -> None:
        """Freeze a node: its connections stay open, and nothing answers."""

    async def resume_kafka(self, node: int = 0) -> None: ...

    async def kill_postgres(self) -> None:
        """End the server and its sessions as `kill -9` does."""

    async def start_postgres(self) -> None:
        """Start the server that was killed, with its data and at its address, and wait until it serves."""

    async def pause_postgres(self) -> None:
        """Freeze the server and its sessions."""

    async def resume_postgres(self) -> None: ...
