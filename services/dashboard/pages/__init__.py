"""The pages: the routes of each, whose place in the navigation and roles are in `services/dashboard/places.py`."""

from services.dashboard.pages import (
    list_clean_up,
    list_contacts,
    list_import,
    list_jobs,
    lists,
    number_proof,
    numbers,
    opt_out_forms,
    opt_outs,
    overview,
)

PAGES = (
    overview.routes,
    lists.routes,
    list_contacts.routes,
    list_import.routes,
    list_clean_up.routes,
    list_jobs.routes,
    opt_outs.routes,
    opt_out_forms.routes,
    number_proof.routes,
    numbers.routes,
)
