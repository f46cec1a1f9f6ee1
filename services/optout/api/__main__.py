"""`python -m services.optout.api` runs the customer API."""

import os
import sys

from services.optout.api.app import create_app
from services.optout.api.settings import ApiSettings
from shared.service import run_service

_NICENESS = 10
"""On a machine that they share, whoever decides STOPs comes before what customers ask for."""

if __name__ == "__main__":
    os.nice(_NICENESS)
    sys.exit(run_service("api", ApiSettings, create_app))
