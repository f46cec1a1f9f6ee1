"""The overview: whether all is well, and what to do where it is not; what happens now; who leaves which list."""

from services.dashboard.pages.overview.page import routes

__all__ = ["routes"]
