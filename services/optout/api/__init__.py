"""The customer API: accounts, lists, contacts, the opt-out list, the inbox and the evidence."""

from services.optout.api.routes import api_routes

__all__ = ["api_routes"]
