"""Opt-outs and opt-ins written to an opt-out list of AWS End User Messaging, a call for each number."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from services.inbound.carrier_lists.aws import AwsAccess, aws_object, error_type
from services.inbound.carrier_lists.consents import Consent, ConsentOutcome, WriteReach, number_of
from services.inbound.carrier_lists.http import ApiRequest, ApiResponse, texts_of_body
from shared.number_pools import NumberPools


@dataclass(frozen=True, slots=True)
class AwsConsents:
    """The writer to opt-out lists; which numbers use one is in `STOPLINE_NUMBER_POOLS`."""

    access: AwsAccess
    account_id: str
    lists: Sequence[str]
    pools: NumberPools

    gateway: ClassVar[str] = "aws"
    limit: ClassVar[int] = 1
    pause_seconds: ClassVar[float] = 0.2

    def senders_of(self, scope: str, reach: WriteReach) -> Collection[str]:
        number = number_of(scope)
        if number is None:
            return self.lists if scope == "account" or reach == "all" else ()
        shared = self.pools.get(self.account_id, {})
        return [
            each
            for each in self.lists
            if number in shared.get(each, ()) and (reach == "all" or len(shared.get(each, ())) == 1)
        ]

    def request(self, consents: Sequence[Consent], now: datetime) -> ApiRequest:
        (each,) = consents
        operation = "PutOptedOutNumber" if each.is_opt_out else "DeleteOptedOutNumber"
        return self.access.request(operation, {"OptOutListName": each.sender, "OptedOutNumber": each.phone}, now)

    def outcomes(self, response: ApiResponse, consents: Sequence[Consent]) -> list[ConsentOutcome]:
        (each,) = consents
        if not each.is_opt_out and _is_not_on_the_list(response):
            return [ConsentOutcome(each)]
        aws_object(response)
        return [ConsentOutcome(each)]


def _is_not_on_the_list(response: ApiResponse) -> bool:
    """Say whether AWS knows the list and not the number: it has been deleted, or was never there."""
    resource = texts_of_body(response).get("ResourceType", "")
    return error_type(response) == "ResourceNotFoundException" and resource == "opted-out-number"
