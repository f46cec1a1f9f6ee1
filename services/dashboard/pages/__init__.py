"""The pages: the routes of each, whose place in the navigation and roles are in `services/dashboard/places.py`."""

from services.dashboard.pages import overview

PAGES = (overview.routes,)
