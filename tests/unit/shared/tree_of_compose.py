"""docker-compose.yml as data."""

from pathlib import Path
from typing import Any

import yaml

COMPOSE = Path(__file__).parents[3] / "docker-compose.yml"


def compose_services() -> dict[str, dict[str, Any]]:
    read: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
    return read
