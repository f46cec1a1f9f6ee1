"""`python -m services.optout.links` runs the pages of opt-out links."""

import sys

from services.optout.links.app import create_app
from services.optout.links.settings import LinksSettings
from shared.service import run_service

if __name__ == "__main__":
    sys.exit(run_service("links", LinksSettings, create_app))
