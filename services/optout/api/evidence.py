"""The evidence (G8): everything about a phone in order, the record's entries with what proves them, a proof pack."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.optout.api.answers_about_evidence import ShownEvidence
from services.optout.api.context import CallerAccountId, Database, Fresh
from services.optout.api.errors import ApiError
from services.optout.api.fields import MAX_ID, PageLimit
from services.optout.api.pages import After, fetch_page, keys_after, page
from services.optout.api.phones import SPELLINGS, PhoneFilter
from services.optout.api.proof_pack import proof_pack
from services.optout.api.request_limits import GuardedRoute
from services.optout.api.runtime import ApiRuntime
from services.optout.api.timeline import load_messages, timeline
from services.optout.decision_log.entry import Entry, entry_adapter, follows, link_digest
from services.optout.decision_log.export import export_selection
from shared.events.base import format_time
from shared.postgres import Connection

# A phone's entries after a given place, or before one, under all its spellings and pseudonyms, each with the hash of
# the entry before it in its partition. Where the number of partitions has changed, later ones can be in another chain.
_ENTRIES = f"""
SELECT d.partition, d.sequence, d.phone, d.body, d.entry, d.hash, d.entry_sha256, coalesce((
    SELECT p.hash FROM decisions p WHERE p.partition = d.partition AND p.sequence = d.sequence - 1
    ), '') AS previous_hash, era
FROM decisions d
CROSS JOIN LATERAL (
    SELECT coalesce(max(change), 0)::bigint AS era FROM chain_lengths c
    WHERE c.partition = d.partition AND c.sequence < d.sequence
) AS after_changes
WHERE d.account_id = $1 AND d.phone IN ({SPELLINGS} UNION ALL SELECT unnest($6::text[]))
    AND (era, d.sequence, d.partition) {{0}} ($3, $4, $5)
ORDER BY era {{1}}, d.sequence {{1}}, d.partition {{1}} LIMIT $7
"""  # noqa: S608 (no value from outside)
EVIDENCE = _ENTRIES.format(">", "ASC")
NEWEST = _ENTRIES.format("<", "DESC")

STATES = f"""
SELECT phone, scope, state, cause_event_id, changed_at FROM suppressions
WHERE account_id = $1 AND phone IN ({SPELLINGS}) ORDER BY scope, phone
"""  # noqa: S608 (no value from outside)
_PHONES = f"SELECT * FROM ({SPELLINGS}) AS spelling (phone)"  # noqa: S608 (no value from outside)
_IN_LINES: dict[int | str, dict[str, Any]] = {200: {"content": {"application/x-ndjson": {}}}}
_IN_A_ZIP: dict[int | str, dict[str, Any]] = {200: {"content": {"application/zip": {}}}}
_BEFORE_ALL, _AFTER_ALL = (0, 0, 0), (MAX_ID, MAX_ID, 2**31 - 1)
_MAX_ENTRIES = 1_000
_MAX_CHAIN_LINES = 20_000

router = APIRouter(route_class=GuardedRoute)

EntryOrder: TypeAlias = Literal["oldest", "newest"]


class AskedPhone(NamedTuple):
    """A phone whose evidence is asked for; `pseudonyms` are those that it may have been replaced by."""

    phone: str
    pseudonyms: list[str]


def _asked(account_id: CallerAccountId, phone: PhoneFilter, runtime: ApiRuntime) -> AskedPhone:
    if phone is None:
        raise ApiError(422, "invalid", "phone: say whose evidence, such as ?phone=%2B14155550100", "phone")
    return AskedPhone(phone, runtime.settings.pseudonyms.all(account_id, phone))


AskedEvidence = Annotated[AskedPhone, Depends(_asked)]


@router.get("/v1/evidence", dependencies=[Fresh], response_model=ShownEvidence)
async def read_evidence(  # noqa: PLR0913, PLR0917 (FastAPI's parameters)
    account_id: CallerAccountId,
    database: Database,
    asked: AskedEvidence,
    after: After = None,
    limit: PageLimit = 100,
    order: EntryOrder = "oldest",
) -> dict[str, Any]:
    """Everything about a phone in order. Messages, the newest 1,000, are on the first page, with its entries.

    With `order=newest` the first page has the newest entries, newest first; `timeline` is in order always.
    """
    query, first = (EVIDENCE, _BEFORE_ALL) if order == "oldest" else (NEWEST, _AFTER_ALL)
    rows = await fetch_page(
        database, query, account_id, asked.phone, *keys_after(after, *first), asked.pseudonyms, limit=limit
    )
    return await _evidence(account_id, database, asked, rows, with_messages=after is None)


@router.get("/v1/evidence/export", dependencies=[Fresh], response_class=Response, responses=_IN_LINES)
async def export_evidence(account_id: CallerAccountId, database: Database, asked: AskedEvidence) -> Response:
    """The phone's entries of the hash chain for `verify_evidence.py --selection`, without a word of anybody else."""
    lines = await _chain(account_id, database, asked)
    return Response("".join(json.dumps(line) + "\n" for line in lines), media_type="application/x-ndjson")


@router.get("/v1/evidence/proof-pack", dependencies=[Fresh], response_class=Response, responses=_IN_A_ZIP)
async def read_proof_pack(account_id: CallerAccountId, database: Database, asked: AskedEvidence) -> Response:
    """A zip for a complaint: a page to print, the JSON that it shows, and the chain that proves it."""
    rows = await fetch_page(
        database, EVIDENCE, account_id, asked.phone, *_BEFORE_ALL, asked.pseudonyms, limit=_MAX_ENTRIES
    )
    evidence = await _evidence(account_id, database, asked, rows, with_messages=True)
    chain = await _chain(account_id, database, asked)
    made = {"account_id": account_id, "made_at": format_time(datetime.now(UTC)), **evidence}
    name = f'attachment; filename="evidence-{asked.phone.lstrip("+")}.zip"'
    return Response(proof_pack(made, chain), media_type="application/zip", headers={"Content-Disposition": name})


async def _evidence(
    account_id: str, database: Connection, asked: AskedPhone, rows: tuple[list[Any], int], *, with_messages: bool
) -> dict[str, Any]:
    phone, pseudonyms = asked
    answer = page("entries", *rows, _shown, "era", "sequence", "partition")
    messages = await load_messages(database, account_id, phone, pseudonyms) if with_messages else []
    states = await database.fetch(STATES, account_id, phone)
    return {
        "phone": phone,
        "timeline": timeline(answer["entries"], messages),
        "suppressions": [{**dict(each), "changed_at": format_time(each["changed_at"])} for each in states],
        **answer,
    }


async def _chain(account_id: str, database: Connection, asked: AskedPhone) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    async with database.transaction(readonly=True, isolation="repeatable_read"):
        phones = [row[0] for row in await database.fetch(_PHONES, account_id, asked.phone)]
        async for line in export_selection(database, account_id, [*phones, *asked.pseudonyms]):
            lines.append(line)
            if len(lines) > _MAX_CHAIN_LINES:
                message = "phone: its chain is too long for an answer; have the operator run `stopline evidence export`"
                raise ApiError(422, "too_large", message, "phone")
    return lines


def _shown(row: Any) -> dict[str, Any]:
    """Return an entry as it is chained: `hash` is the SHA-256 of `previous_hash` and the SHA-256 of `entry`.

    Of an erased one `entry` is what is left, and `digest` the SHA-256 of what it was.
    """
    entry = entry_adapter.validate_json(row["entry"])
    return {
        "partition": row["partition"],
        "sequence": row["sequence"],
        "entry": row["entry"],
        "body": row["body"],
        "previous_hash": row["previous_hash"].hex(),
        "hash": row["hash"].hex(),
        "previous_sequence": entry.previous_sequence,
        "digest": (row["entry_sha256"] or hashlib.sha256(row["entry"].encode()).digest()).hex(),
        "erased": entry.is_erased,
        "intact": _is_intact(row, entry),
    }


def _is_intact(row: Any, entry: Entry) -> bool:
    if row["entry_sha256"] is not None:
        return bool(row["hash"] == link_digest(row["previous_hash"], row["entry_sha256"]))
    recorded = (entry.phone, entry.body_sha256)
    return bool(
        follows(row["hash"], row["previous_hash"], row["entry"])
        and recorded == (row["phone"], hashlib.sha256(row["body"].encode()).hexdigest())
    )
