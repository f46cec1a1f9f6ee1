"""*Import* into a list: a file, then what each of its columns is, then the job that reads it."""

from collections.abc import Sequence
from typing import Annotated, Any

import aiohttp
import htpy as h
from fastapi import APIRouter, Form, UploadFile
from starlette.responses import Response

from services.dashboard.api import RefusedByApiError
from services.dashboard.components.job_panel import is_active, job_path
from services.dashboard.components.list_tabs import list_head
from services.dashboard.components.moment import moment
from services.dashboard.components.notice import notice
from services.dashboard.components.table import table
from services.dashboard.limits import UPLOAD_BYTES
from services.dashboard.visit import PageVisit, Visit

routes = APIRouter()

_SHOWN_JOBS = 10
_MAX_COLUMNS = 100
COLUMNS = {
    "skip": "Leave out",
    "phone": "Phone number",
    "first_name": "First name",
    "last_name": "Last name",
    "email": "E-mail address",
    "organization_name": "Organization",
    "custom_1": "Custom field 1",
    "custom_2": "Custom field 2",
    "custom_3": "Custom field 3",
    "custom_4": "Custom field 4",
    "address_line_1": "Address line 1",
    "address_line_2": "Address line 2",
    "address_city": "City",
    "address_state": "State",
    "address_postal_code": "Postal code",
    "address_country": "Country",
    "fax_number": "Fax number",
}


@routes.get("/lists/{list_id}/import")
async def choose_file(visit: Visit, list_id: int) -> Response:
    return await _first_step(visit, list_id)


@routes.post("/lists/{list_id}/import")
async def take_file(visit: Visit, list_id: int, file: UploadFile) -> Response:
    """Hand the file on to the API, which keeps it for ten minutes."""
    if not file.filename:
        return await _first_step(visit, list_id, "Choose a file first.", 422)
    form = aiohttp.FormData()
    form.add_field("file", file.file, filename="upload.csv", content_type="text/csv")
    try:
        upload = await visit.api.upload("/v1/uploads", form)
    except RefusedByApiError as error:
        return await _first_step(visit, list_id, error.message.removeprefix("content: "), error.status)
    return visit.redirect(f"/lists/{list_id}/import/{upload['upload_id']}")


@routes.get("/lists/{list_id}/import/{upload_id}")
async def name_columns(visit: Visit, list_id: int, upload_id: str) -> Response:
    return await _second_step(visit, list_id, upload_id)


@routes.post("/lists/{list_id}/import/{upload_id}")
async def start(
    visit: Visit,
    list_id: int,
    upload_id: str,
    column: Annotated[list[str] | None, Form(max_length=_MAX_COLUMNS)] = None,
) -> Response:
    columns = column or []
    try:
        job = await visit.api.post(f"/v1/lists/{list_id}/imports", {"upload_id": upload_id, "columns": columns})
    except RefusedByApiError as error:
        if error.field != "columns":
            raise
        return await _second_step(visit, list_id, upload_id, columns, error.message.removeprefix("columns: "))
    return visit.redirect(job_path(job))


async def _first_step(visit: PageVisit, list_id: int, problem: str = "", status: int = 200) -> Response:
    found = await visit.api.get(f"/v1/lists/{list_id}")
    kind = "opt_out_import" if found["kind"] == "opt_outs" else "contact_import"
    jobs = await visit.api.get("/v1/jobs", {"list_id": list_id, "kind": kind, "limit": _SHOWN_JOBS})
    form = h.form(method="post", enctype="multipart/form-data", action=f"/lists/{list_id}/import")[
        visit.csrf_field,
        h.div(".field")[
            h.label(for_="field-file")["File"],
            h.input(
                id="field-file",
                type="file",
                name="file",
                accept=".csv,.txt,.tsv,text/csv",
                required=True,
                aria_describedby="about-file",
            ),
            h.small(id="about-file")[
                f"CSV as spreadsheets save it, with one contact in each row; up to {UPLOAD_BYTES // 1024**2} MB."
                " Larger files go through the API."
            ],
        ],
        h.button(type="submit")["Show the first rows"],
    ]
    said = notice("bad", h.strong["The file was not taken."], h.p[problem]) if problem else None
    return visit.page(
        f"Import into {found['name']}",
        list_head(found, "import", visit.user),
        said,
        h.article[h.h2["Import contacts"], form] if visit.user.may("operate") else None,
        _history(jobs["jobs"]),
        status=status,
    )


async def _second_step(
    visit: PageVisit, list_id: int, upload_id: str, chosen: Sequence[str] = (), problem: str = ""
) -> Response:
    found = await visit.api.get(f"/v1/lists/{list_id}")
    upload = await visit.api.get(f"/v1/uploads/{upload_id}")
    said = notice("bad", h.strong["The import was not started."], h.p[problem]) if problem else None
    form = h.form(method="post", action=f"/lists/{list_id}/import/{upload_id}")[
        visit.csrf_field,
        _mapping(upload, chosen or upload["columns"]),
        h.p(".hint")[f"These are the first {_MAX_COLUMNS} columns; the others are left out."]
        if len(upload["columns"]) > _MAX_COLUMNS
        else None,
        h.p(".hint")[
            "Rows that cannot be read are named when it is done, and the others are added. An import adds contacts and"
            " never lifts an opt-out: who has opted out still gets nothing."
        ],
        h.div(".actions")[
            h.a(".quiet", role="button", href=f"/lists/{list_id}/import")["Another file"],
            h.button(type="submit")["Import"],
        ],
    ]
    head = list_head(found, "import", visit.user)
    content = h.article[h.h2["What is in which column?"], form]
    return visit.page(f"Import into {found['name']}", head, said, content, status=422 if problem else 200)


def _mapping(upload: dict[str, Any], chosen: Sequence[str]) -> h.Node:
    """Return the first rows as a table, with a choice above each column."""
    rows = upload["rows"]
    width = min(_MAX_COLUMNS, max(len(upload["columns"]), *(len(row) for row in rows)))
    named = [*chosen, *["skip"] * (width - len(chosen))][:width]
    rows = [row[:width] for row in rows]
    head = rows[0] if upload["has_header"] else [f"column {number + 1}" for number in range(width)]
    body = rows[1:] if upload["has_header"] else rows
    padded = [[*row, *[""] * (width - len(row))] for row in body]
    return h.div(".scroll", role="region", aria_label="The first rows of the file", tabindex="0")[
        h.table[
            h.caption(".unseen")["The first rows of the file"],
            h.thead[h.tr[(h.th(scope="col")[_choice(place, head, name)] for place, name in enumerate(named))],],
            h.tbody[(h.tr[(h.td[cell] for cell in row)] for row in padded)],
        ]
    ]


def _choice(place: int, head: Sequence[str], chosen: str) -> h.Node:
    title = head[place] if place < len(head) and head[place].strip() else f"column {place + 1}"
    return [
        h.label(for_=f"column-{place}")[title],
        h.select(id=f"column-{place}", name="column")[
            (h.option(value=name, selected=name == chosen)[words] for name, words in COLUMNS.items())
        ],
    ]


def _history(jobs: Sequence[dict[str, Any]]) -> h.Node:
    if not jobs:
        return None
    rows = [
        [
            h.a(href=job_path(job))[moment(job["created_at"])],
            "running" if is_active(job) else job["state"],
            f"{job['result'].get('added', job['result'].get('good_rows', 0)):,}",
            f"{job['result'].get('bad_rows', 0):,}",
        ]
        for job in jobs
    ]
    columns = ("Started", "State", "Added", "Bad rows")
    return h.article[h.h2["Imports of the last month"], table("Imports", columns, rows, figures=(2, 3))]
