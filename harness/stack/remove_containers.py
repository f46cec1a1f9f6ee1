"""Run as a script: removes containers and networks (the names given) with what is in them; the watcher calls it."""

import sys
from contextlib import suppress

import docker  # type: ignore[import-untyped]  # ships no types
from docker.errors import NotFound  # type: ignore[import-untyped]


def remove(names: list[str]) -> None:
    client = docker.from_env()
    try:
        for name in names:
            with suppress(NotFound):
                client.containers.get(name).remove(force=True, v=True)
        for name in names:
            with suppress(NotFound):
                client.networks.get(name).remove()
    finally:
        client.close()


if __name__ == "__main__":
    remove(sys.argv[1:])
