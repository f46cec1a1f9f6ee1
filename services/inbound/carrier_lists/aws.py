"""AWS End User Messaging's opt-out lists: `DescribeOptedOutNumbers`, `PutOptedOutNumber`, `DeleteOptedOutNumber`.

docs.aws.amazon.com, API reference "pinpoint-sms-voice-v2". Putting and deleting change the list alone; neither page
says that a message goes out, as one does after a STOP that AWS has heard itself.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from services.inbound.carrier_lists.entry import EntryPage, ListEntry
from services.inbound.carrier_lists.http import (
    ApiRequest,
    ApiResponse,
    CarrierRefusesError,
    json_of,
    objects_of,
    texts_of,
    texts_of_body,
)
from shared.aws_signature import AwsKey, signed_headers
from shared.errors import TransientError

_PAGE_ENTRIES = 100
_BAD_REQUEST = 400
_LATER = frozenset(("ThrottlingException", "InternalServerException", "ServiceUnavailableException"))
_CREDENTIALS = frozenset(
    (
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    )
)
"""AWS says so with the status 400; the key, its rights or our clock are wrong, and whom it is about is not."""


@dataclass(frozen=True, slots=True)
class AwsAccess:
    """The access to one region of an AWS account."""

    access_key_id: str
    secret_access_key: SecretStr
    region: str
    url: str = ""

    def request(self, operation: str, fields: dict[str, Any], now: datetime) -> ApiRequest:
        """Return a signed call; its signature holds for minutes, so it is built for each try."""
        url = self.url.rstrip("/") or f"https://sms-voice.{self.region}.amazonaws.com"
        body = json.dumps(fields).encode()
        headers = {
            "Host": urlsplit(url).netloc,
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"PinpointSMSVoiceV2.{operation}",
        }
        key = AwsKey(self.access_key_id, self.secret_access_key.get_secret_value(), self.region, "sms-voice")
        return ApiRequest(f"{url}/", signed_headers(key, headers, body, now), body)


def error_type(response: ApiResponse) -> str:
    """Return the type of an error: AWS answers most of them with the status 400."""
    return texts_of_body(response).get("__type", "").rpartition("#")[2]


def aws_object(response: ApiResponse) -> dict[str, Any]:
    """Return the object in the body of a success.

    Raises:
        CarrierRefusesError: AWS refuses; names the type of the error.
        TransientError: it asks to come later, refuses the credentials, or does not answer with an object.
    """
    if response.status != _BAD_REQUEST:
        return json_of(response)
    kind = error_type(response)
    if kind in _LATER | _CREDENTIALS:
        raise TransientError(f"answered {response.status} {kind}")
    raise CarrierRefusesError(f"answered {response.status} {kind}".rstrip())


@dataclass(frozen=True, slots=True)
class AwsOptOuts:
    """An opt-out list. With `of_recipients_alone`, only who opted out by themselves: the others may be our writing."""

    access: AwsAccess
    name: str
    of_recipients_alone: bool = False

    gateway: ClassVar[str] = "aws"
    covers_account: ClassVar[bool] = False

    @property
    def list_id(self) -> str:
        return self.name

    def request(self, page: str | None, _: datetime | None, now: datetime) -> ApiRequest:
        fields: dict[str, Any] = {"OptOutListName": self.name, "MaxResults": _PAGE_ENTRIES}
        if self.of_recipients_alone:
            fields["Filters"] = [{"Name": "end-user-opted-out", "Values": ["true"]}]
        if page is not None:
            fields["NextToken"] = page
        return self.access.request("DescribeOptedOutNumbers", fields, now)

    def page_of(self, response: ApiResponse, page: str | None) -> EntryPage:
        found = aws_object(response)
        following = found.get("NextToken")
        is_last = not isinstance(following, str) or following in ("", page)
        return EntryPage(
            [_entry(texts_of(each)) for each in objects_of(found.get("OptedOutNumbers"))],
            None if is_last else following,
        )


def _entry(found: dict[str, str]) -> ListEntry:
    by_recipient = found.get("EndUserOptedOut") == "True"
    words = "the recipient opted out" if by_recipient else "put there by the account"
    return ListEntry(found.get("OptedOutNumber", ""), found.get("OptedOutTimestamp", ""), words=words)
