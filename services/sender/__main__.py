"""`python -m services.sender` runs the sender."""

import sys

from services.sender.app import create_app
from services.sender.settings import SenderSettings
from shared.service import run_service

if __name__ == "__main__":
    sys.exit(run_service("sender", SenderSettings, create_app))
