"""`python -m services.inbound.poll` runs the process that asks gateways' APIs."""

import sys

from services.inbound.poll.app import create_app
from services.inbound.poll.settings import PollSettings
from shared.service import run_service

if __name__ == "__main__":
    sys.exit(run_service("poll", PollSettings, create_app))
