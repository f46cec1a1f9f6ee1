"""The answers of `/v1` about files."""

from collections.abc import Sequence

from services.optout.api.answers import V1Answer


class ShownUpload(V1Answer):
    """A file that can be imported; `columns` are what its columns look like, `skip` where that is not known.

    `rows` are the first of it, a header among them where `has_header` is true.
    """

    upload_id: str
    size_bytes: int
    rows: Sequence[Sequence[str]]
    columns: Sequence[str]
    has_header: bool
