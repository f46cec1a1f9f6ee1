"""`python -m services.inbound.smpp` runs the process that receives from SMSCs."""

import sys

from services.inbound.smpp.app import create_app
from services.inbound.smpp.settings import ReceiverSettings
from shared.service import run_service

if __name__ == "__main__":
    sys.exit(run_service("smpp", ReceiverSettings, create_app))
