"""The one message that may go to somebody who has opted out: the confirmation of that opt-out (decision 47).

Anybody may write to `outbound-messages`, so that what a request says of itself proves nothing. What counts comes
through the suppressions topic, which only the opt-out service writes: which opt-out may be confirmed, by which id, text
and number, and that the account has that text for the recipient's country still. Each line is a check of
`judge_confirmation`, which is pure:

| the confirmation                                             | becomes                            |
|--------------------------------------------------------------|------------------------------------|
| is not the one that is allowed, or not of this account's now | suppressed; or `not_confirmable`   |
| goes to a list that the account does not have                | `unknown_list`                     |
| goes to somebody who was suppressed by something else, too   | suppressed by that                 |
| goes to somebody who has come back                           | `not_confirmable`                  |
| would leave more than five minutes after the opt-out         | `too_late`                         |
| else                                                         | sent, at once, also in quiet hours |

What may have been missed (`services/sender/reception.py`) has it wait like any message, and then it is too late.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from services.sender import metrics
from services.sender.gate import Judged
from shared.confirmations import CONFIRMATION_WINDOW, confirmation_digest, confirmation_for, confirmation_id
from shared.events.outbound import MessageRequested
from shared.events.suppression import AccountSettingsPublished
from shared.gate import Rejection, unknown_list
from shared.phones.country import country_of_phone
from shared.scopes import forbidding_scopes
from shared.suppressions.account_settings import AccountSettings
from shared.suppressions.confirmable import ConfirmableOptOut
from shared.suppressions.fence_pass import WRITE_SECONDS, boottime
from shared.suppressions.follow import CacheFollower
from shared.suppressions.lookup import CheckedSuppressions, Query, SuppressionHit, query
from shared.suppressions.placement import partitions_of

_CLOCKS_DIFFER = timedelta(seconds=5)
"""A reply that seems to be received later than now, by more than that, has a time that says nothing."""
_NOT_CONFIRMABLE = Rejection(
    "not_confirmable", "confirms_opt_out: only the opt-out service asks for a confirmation, of an opt-out in force"
)
_TOO_LATE = Rejection("too_late", "it would leave more than five minutes after the opt-out was received")


class ConfirmationToSend(MessageRequested):
    """A confirmation that passes; its bytes leave before `write_by`, a time of `boottime`, or never."""

    write_by: float


def confirming(requests: Sequence[MessageRequested]) -> list[MessageRequested]:
    """Return those that say that they confirm an opt-out."""
    return [request for request in requests if request.confirms_opt_out is not None]


def latest_write(request: MessageRequested) -> float:
    """Return until when the message may leave; a confirmation that was not let pass ends the sender as a bug."""
    if isinstance(request, ConfirmationToSend):
        return request.write_by
    if request.confirms_opt_out is not None:
        raise AssertionError("a confirmation leaves that was not let pass")
    return math.inf


def scope_queries(requests: Sequence[MessageRequested], partitions: int) -> list[Query]:
    """Return a query for each scope of each confirmation: all that suppresses it counts, not only the first."""
    partition_of_each = partitions_of([request.phone.encode() for request in requests], partitions)
    return [
        query(request.account_id, (scope,), partition, request.phone)
        for request, partition in zip(requests, partition_of_each, strict=True)
        for scope in _scopes(request)
    ]


def let_pass(
    requests: Sequence[MessageRequested], checked: CheckedSuppressions, judged: Sequence[Judged], cache: CacheFollower
) -> tuple[CheckedSuppressions, list[Judged]]:
    """Return what was found about the messages, with the verdict about each confirmation in its place.

    `checked` has the hits of `scope_queries` after those of the messages.
    """
    hits, verdicts = list(checked.hits[: len(requests)]), list(judged)
    by_scope = iter(checked.hits[len(requests) :])
    accounts = cache.account_settings(checked.fence_pass, {request.account_id for request in confirming(requests)})
    for at, request in enumerate(requests):
        if request.confirms_opt_out is None:
            continue
        found = [hit for hit in islice(by_scope, len(_scopes(request))) if hit is not None]
        opt_out = cache.confirmable(checked.fence_pass, request.account_id, request.phone)
        now = datetime.now(UTC), boottime()
        said = judge_confirmation(request, found, opt_out, accounts[request.account_id], *now)
        hits[at], verdicts[at] = (said, request) if isinstance(said, SuppressionHit) else (None, said)
        metrics.CONFIRMATIONS.labels(_name(said)).inc()
    return checked._replace(hits=hits), verdicts


def judge_confirmation(  # noqa: PLR0913, PLR0917 (all that it goes by)
    request: MessageRequested,
    hits: Sequence[SuppressionHit],
    opt_out: ConfirmableOptOut | None,
    account: AccountSettings,
    now: datetime,
    now_boottime: float,
) -> SuppressionHit | Rejection | ConfirmationToSend:
    """Return what becomes of a confirmation; `hits` are all that suppresses its recipient for it."""
    if opt_out is None or not _is_the_one(request, opt_out) or not _is_published(request, account.published):
        return hits[0] if hits else _NOT_CONFIRMABLE
    if not account.has_list(request.list_id):
        return unknown_list(request.list_id)
    other = next((hit for hit in hits if hit.scope not in opt_out.scopes or hit.state != "opted_out"), None)
    if other is not None or not hits:
        return other or _NOT_CONFIRMABLE
    age = now - opt_out.allowed.received_at
    left_seconds = (CONFIRMATION_WINDOW - age).total_seconds() - WRITE_SECONDS
    if left_seconds <= 0 or age < -_CLOCKS_DIFFER:
        return _TOO_LATE
    return ConfirmationToSend(**dict(request), write_by=now_boottime + left_seconds)


def _is_the_one(request: MessageRequested, opt_out: ConfirmableOptOut) -> bool:
    allowed, cause = opt_out.allowed, opt_out.cause_event_id
    return (
        request.confirms_opt_out == cause
        and request.message_id == allowed.message_id == confirmation_id(cause)
        and request.list_id == allowed.list_id
        and request.sender_number == allowed.sender_number
        and confirmation_digest(request.body) == allowed.body_sha256
        and not (request.also_lists or request.send_at or request.valid_until)
    )


def _is_published(request: MessageRequested, published: AccountSettingsPublished | None) -> bool:
    """Say whether the account has the text for the recipient's country and the number now, too."""
    if published is None or not published.opt_out_confirmations:
        return False
    country = country_of_phone(request.phone)
    found = confirmation_for(published.opt_out_confirmations, country, request.sender_number)
    return found is not None and found.text == request.body


def _scopes(request: MessageRequested) -> tuple[str, ...]:
    return forbidding_scopes(request.list_id, request.sender_number, request.also_lists)


def _name(said: SuppressionHit | Rejection | ConfirmationToSend) -> str:
    match said:
        case SuppressionHit():
            return "suppressed"
        case Rejection(reason=reason):
            return reason
        case ConfirmationToSend():
            return "let_pass"
