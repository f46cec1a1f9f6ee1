"""`python -m services.dashboard` runs the dashboard."""

import sys

from services.dashboard.app import create_app
from services.dashboard.settings import DashboardSettings
from shared.service import run_service

if __name__ == "__main__":
    sys.exit(run_service("dashboard", DashboardSettings, create_app))
