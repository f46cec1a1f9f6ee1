"""Templates of messages: texts that an account keeps under a name."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from services.optout.api.context import CallerAccountId, Database
from services.optout.api.errors import ApiError
from services.optout.api.v3.envelope import Envelope, success
from services.optout.api.v3.filters import Filter, FilterFields, fetch_filtered, filter_by
from services.optout.api.v3.models import Answer, Given, GivenText, PathId
from services.optout.api.v3.paging import AskedPage, Page
from services.optout.api.v3.route import V3Route
from services.optout.api.v3.sms_models import MessageText
from shared.events.base import storable

MAX_TEMPLATES = 10_000

COUNT = "SELECT count(*) FROM message_templates WHERE account_id = $1"
READ = "SELECT template_id, name, body FROM message_templates WHERE account_id = $1 AND template_id = $2"
ADD = "INSERT INTO message_templates (account_id, name, body) VALUES ($1, $2, $3) RETURNING template_id, name, body"
CHANGE = """
UPDATE message_templates SET name = coalesce($3, name), body = coalesce($4, body)
WHERE account_id = $1 AND template_id = $2 RETURNING template_id, name, body
"""
DELETE = "DELETE FROM message_templates WHERE account_id = $1 AND template_id = $2 RETURNING template_id"

_FIELDS = FilterFields(
    {"template_id": "template_id", "template_name": "name", "body": "body"}, default_order="template_id:asc", order={}
)
_PATH = "/v3/sms/templates"
router = APIRouter(route_class=V3Route)


class Template(Answer):
    """A template."""

    template_id: int
    body: str
    template_name: str


class GivenTemplate(Given):
    template_name: Annotated[GivenText, Field(min_length=1)]
    body: Annotated[MessageText, Field(min_length=1)]


class ChangedTemplate(Given):
    template_name: Annotated[GivenText, Field(min_length=1)] | None = None
    body: Annotated[MessageText, Field(min_length=1)] | None = None


@router.get(_PATH)
async def read_templates(
    account_id: CallerAccountId,
    database: Database,
    asked: AskedPage,
    only: Annotated[Filter, Depends(filter_by(_FIELDS))],
) -> Envelope[Page[Template]]:
    """Return the templates, by their ids where nothing else is asked for."""
    source = "FROM message_templates WHERE account_id = $1"
    rows, total = await fetch_filtered(
        database, "template_id, name, body", source, account_id, only=only, asked=asked, tie="template_id"
    )
    return success("Here are your templates.", asked.of([_shown(row) for row in rows], total))


@router.post(_PATH)
async def add_template(given: GivenTemplate, account_id: CallerAccountId, database: Database) -> Envelope[Template]:
    if await database.fetchval(COUNT, account_id) >= MAX_TEMPLATES:
        message = f"template_name: an account has at most {MAX_TEMPLATES} templates"
        raise ApiError(400, "too_many", message, "template_name")
    row = await database.fetchrow(ADD, account_id, given.template_name, storable(given.body))
    return success("The template has been added.", _shown(row))


@router.get(f"{_PATH}/{{template_id}}")
async def read_template(template_id: PathId, account_id: CallerAccountId, database: Database) -> Envelope[Template]:
    row = await database.fetchrow(READ, account_id, template_id)
    return success("Here is your template.", _shown(row))


@router.put(f"{_PATH}/{{template_id}}")
async def change_template(
    template_id: PathId, given: ChangedTemplate, account_id: CallerAccountId, database: Database
) -> Envelope[Template]:
    body = given.body and storable(given.body)
    row = await database.fetchrow(CHANGE, account_id, template_id, given.template_name, body)
    return success("The template has been changed.", _shown(row))


@router.delete(f"{_PATH}/{{template_id}}")
async def delete_template(template_id: PathId, account_id: CallerAccountId, database: Database) -> Envelope[list[str]]:
    if await database.fetchval(DELETE, account_id, template_id) is None:
        raise _missing()
    return success("The template has been deleted.", list[str]())


def _missing() -> ApiError:
    return ApiError(404, "not_found", "template_id: there is no such template", "template_id")


def _shown(row: Any) -> Template:
    if row is None:
        raise _missing()
    return Template(template_id=row["template_id"], body=row["body"], template_name=row["name"])
