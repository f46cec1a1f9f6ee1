"""Lists and contacts as `/v3` shows and accepts them."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from services.optout.api.fields import Name
from services.optout.api.v3.models import Answer, Given, GivenText

_TEXTS = ("first_name", "last_name", "custom_1", "custom_2", "custom_3", "custom_4")
_MORE_TEXTS = (
    "fax_number", "organization_name", "email", "address_line_1", "address_line_2", "address_city", "address_state",
    "address_postal_code", "address_country",
)  # fmt: skip


class ContactList(Answer):
    """A list with the number of its members, and whether it is being imported into or cleaned up."""

    list_id: int
    list_name: str
    list_email_id: str | None = None
    contacts_count: int = Field(alias="_contacts_count")
    import_in_progress: int = Field(alias="_import_in_progress")
    optout_in_progress: int = Field(alias="_optout_in_progress")


class GivenList(Given):
    list_name: Name


class Contact(Answer):
    """A contact on a list; on the opt-out list an opt-out, whose `contact_id` is null until it is recorded."""

    contact_id: int | None
    list_id: int
    phone_number: str | None
    first_name: str
    last_name: str
    custom_1: str
    custom_2: str
    custom_3: str
    custom_4: str
    date_added: int
    date_updated: int
    fax_number: str | None
    organization_name: str | None
    email: str | None
    address_line_1: str | None
    address_line_2: str | None
    address_city: str | None
    address_state: str | None
    address_postal_code: str | None
    address_country: str | None
    list_name: str = Field(alias="_list_name")


def _not_rounded(value: object) -> object:
    if isinstance(value, float):
        raise ValueError("it is a number with a fraction or an exponent; write a phone number as a text")  # noqa: TRY004
    return value


class ContactFields(Given):
    """The fields of a contact; a field that is missing from a change stays, an empty one or null is cleared."""

    phone_number: Annotated[GivenText, BeforeValidator(_not_rounded)] | None = None
    first_name: GivenText | None = None
    last_name: GivenText | None = None
    custom_1: GivenText | None = None
    custom_2: GivenText | None = None
    custom_3: GivenText | None = None
    custom_4: GivenText | None = None
    fax_number: GivenText | None = None
    organization_name: GivenText | None = None
    email: GivenText | None = None
    address_line_1: GivenText | None = None
    address_line_2: GivenText | None = None
    address_city: GivenText | None = None
    address_state: GivenText | None = None
    address_postal_code: GivenText | None = None
    address_country: GivenText | None = None

    def kept(self) -> dict[str, str]:
        """Return the fields that say something, without the phone number."""
        given = self.model_dump(exclude={"phone_number"}).items()
        return {name: text.strip() for name, text in given if text and not text.isspace()}

    def over(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return a contact's fields after the change."""
        return {name: value for name, value in fields.items() if name not in self.model_fields_set} | self.kept()


def contact_shown(row: Any, list_id: int, list_name: str) -> Contact:
    """Return a contact as clients see it; /v1 may have given it fields of any type."""
    fields = {name: _text(value) for name, value in json.loads(row["fields"]).items() if value is not None}
    texts = {name: fields.get(name, "") for name in _TEXTS} | {name: fields.get(name) for name in _MORE_TEXTS}
    return Contact.model_validate(
        {
            "contact_id": row["contact_id"],
            "list_id": list_id,
            "phone_number": row["phone"],
            **texts,
            "date_added": int(row["added_at"].timestamp()),
            "date_updated": int(row["updated_at"].timestamp()),
            "_list_name": list_name,
        }
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


class Removed(Answer):
    """The number of contacts that a clean-up took off a list."""

    deleted: int


class ImportStarted(Answer):
    """An import that has started; `id` is its job's."""

    msg: str
    id: str
    ids: list[str]


class ImportField(Answer):
    """A column that an import may have, with its name for people."""

    field: str
    label: str


class ImportPreview(Answer):
    """The first row of a file."""

    row: list[str]


class ExportedFile(Answer):
    """The address of a file that can be fetched."""

    url: str
