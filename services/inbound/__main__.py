"""`python -m services.inbound`."""

import sys

from services.inbound.app import create_app
from services.inbound.settings import InboundSettings
from shared.service import run_service

if __name__ == "__main__":
    sys.exit(run_service("inbound", InboundSettings, create_app))
