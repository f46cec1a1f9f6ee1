"""`python -m services.optout.api` runs the customer API."""

import sys

from services.optout.api.app import create_app
from services.optout.api.settings import ApiSettings
from shared.service import run_service

if __name__ == "__main__":
    sys.exit(run_service("api", ApiSettings, create_app))
