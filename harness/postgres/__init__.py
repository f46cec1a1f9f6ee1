"""PostgreSQL on this machine: from a Python wheel, or an installed one."""

from harness.postgres.server import PostgresServer

__all__ = ["PostgresServer"]
