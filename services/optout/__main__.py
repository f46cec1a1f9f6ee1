"""`python -m services.optout` runs the opt-out pipeline."""

import sys

from services.optout.app import create_app
from services.optout.settings import OptOutSettings
from shared.service import run_service

if __name__ == "__main__":
    sys.exit(run_service("optout", OptOutSettings, create_app))
