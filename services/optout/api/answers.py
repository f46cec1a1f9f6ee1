"""The answers of `/v1`, in its document and in fact: an answer of another form is our bug, and fails."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, WithJsonSchema

from services.optout.decision_log.entry import DecisionKind
from services.optout.jobs.job import JobState
from shared.events.opt_out import AttributionMethod
from shared.events.suppression import SuppressionState

ShownTime: TypeAlias = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
ShownId: TypeAlias = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]


class V1Answer(BaseModel):
    """The base of the answers: no field but those that are declared, and exactly their types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ShownPage(V1Answer):
    """The base of pages; `next` is the `after` of the following page, null on the last one."""

    next: str | None


class ShownWebhook(V1Answer):
    """An account's address for its gateway, and the secret that signs calls to the account's own addresses."""

    webhook_secret: str
    webhook_path: str
    webhook_url: str
    signing_secret: str


class ShownAccount(V1Answer):
    account_id: str
    name: str
    country: str | None


class ShownNewAccount(ShownAccount, ShownWebhook):
    """A new account; its key is shown here and never again."""

    api_key: str


class ShownKey(V1Answer):
    key_id: int
    name: str
    created_at: ShownTime
    last_used_at: ShownTime | None


class ShownNewKey(ShownKey):
    """A new key, shown here and never again."""

    api_key: str


class KeyPage(ShownPage):
    api_keys: Sequence[ShownKey]


class DeletedKey(V1Answer):
    key_id: int
    deleted: Literal[True]


class ListCounts(V1Answer):
    """The contacts of a list, with those of them who have opted out of it or of the account, or are held."""

    contacts: int
    opted_out: int
    held: int


class ShownList(V1Answer):
    """A list; `counts` where they were asked for."""

    list_id: int
    name: str
    kind: str
    created_at: ShownTime
    counts: ListCounts | None = None


class ListPage(ShownPage):
    lists: Sequence[ShownList]


class PutContacts(V1Answer):
    """The number of contacts that are new on the list, and of those whose fields were replaced."""

    added: int
    updated: int


class ShownContact(V1Answer):
    phone: str
    fields: Mapping[str, str | int | float | bool | None]
    status: Literal["active", "opted_out", "held"]


class ContactPage(ShownPage):
    contacts: Sequence[ShownContact]


class ShownCause(V1Answer):
    """The cause of an opt-out; only `event_id` where the record does not have it any more."""

    event_id: ShownId
    body: str | None = None
    sender_number: str | None = None
    message_id: str | None = None
    rule: str | None = None
    rule_version: int | None = None
    attribution: AttributionMethod | None = None
    reach_policy: str | None = None
    gateway: str | None = None
    by: str | None = None


class ShownOptOut(V1Answer):
    """An opt-out, or a held one; `source` is `reply` or what asked for it, `list_name` that of a list's scope."""

    phone: str
    scope: str
    list_id: int | None
    list_name: str | None
    state: SuppressionState
    source: str
    opted_out_at: ShownTime
    cause: ShownCause


class OptOutPage(ShownPage):
    opt_outs: Sequence[ShownOptOut]


class TakenRequest(V1Answer):
    """A requested opt-out or opt-in; `see` is there until it is in effect."""

    event_id: ShownId
    phone: str
    token: str
    in_effect: bool
    reason: str | None = None
    changed: Sequence[str] | None = None
    see: str | None = None


class ShownSuppression(V1Answer):
    scope: str
    state: SuppressionState
    source: str | None
    cause_event_id: ShownId
    changed_at: ShownTime


class SuppressionsOfPhone(V1Answer):
    phone: str
    suppressions: Sequence[ShownSuppression]


class ShownDecision(V1Answer):
    decided_at: ShownTime
    answer: DecisionKind
    reason: str
    rule: str | None
    rule_version: int | None
    matched_by: str | None
    term: str | None
    attribution: AttributionMethod | None
    reach_policy: str | None
    message_id: str | None
    changed: Sequence[str]
    by: str | None


class ReceivedMessage(V1Answer):
    """A reply; `part` is there where it is a part of a long text, and the one that completed it has the whole text."""

    event_id: ShownId
    phone: str
    sender_number: str | None
    body: str
    part: str | None
    is_whole_text: bool
    received_at: ShownTime
    decision: ShownDecision


class InboxPage(ShownPage):
    messages: Sequence[ReceivedMessage]


class StoredReview(V1Answer):
    """A decision about a held message that is not in effect yet."""

    decision: Literal["confirm", "release"]
    by: str
    undo_until: ShownTime


class HeldMessage(V1Answer):
    """A message that waits for a person; `start` and `end` are of the words in it that the rule matched.

    `decided` is a decision that comes into effect unless it is undone in time.
    """

    event_id: ShownId
    phone: str
    sender_number: str | None
    body: str
    received_at: ShownTime
    held_at: ShownTime
    scopes: Sequence[str]
    reason: str | None
    rule: str | None
    rule_version: int | None
    term: str | None
    start: int | None
    end: int | None
    normalised_by: Sequence[str]
    message_id: str | None
    decided: StoredReview | None


class ReviewPage(ShownPage):
    held: Sequence[HeldMessage]


class TakenReview(V1Answer):
    """A decision; until `undo_until`, where it is given, it is not in effect."""

    event_id: ShownId
    held_event_id: ShownId
    decision: Literal["confirm", "release"]
    by: str
    undo_until: ShownTime | None


class UndoneReview(V1Answer):
    held_event_id: ShownId
    undone: Literal["confirm", "release"]
    by: str


class JobProgress(V1Answer):
    done: int
    total: int


class ShownJob(V1Answer):
    """A job; what its `result` has depends on its kind.

    `undoable_until` is there for clean-ups that can be undone now, `undone_by` for those that were: the job that did.
    """

    job_id: ShownId
    kind: str
    list_id: int | None
    state: JobState
    progress: JobProgress
    result: Mapping[str, Any]
    error: str | None
    created_at: ShownTime
    started_at: ShownTime | None
    ended_at: ShownTime | None
    undoable_until: ShownTime | None
    undone_by: ShownId | None


class JobPage(ShownPage):
    jobs: Sequence[ShownJob]


class CleanUpPreview(V1Answer):
    """The number of contacts that a clean-up would take off, of each part that was asked about."""

    opt_outs: int | None = None
    duplicates: int | None = None
    invalid: int | None = None
    invalid_checked: int | None = None
