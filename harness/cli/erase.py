"""`stopline erase`: erases a recipient by the customer API, and waits for the end."""

import argparse
import json
import os
import time
from base64 import b64encode
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from shared.errors import MisconfiguredError, TransientError

_REQUEST_SECONDS = 15.0
_EVERY_SECONDS = 0.5


def add_commands(commands: Any) -> None:
    text = "erase a recipient: texts, fields and phone go, and the phone stays suppressed"
    command = commands.add_parser(
        "erase",
        help=text,
        description=f"{text}. As the account of STOPLINE_ACCOUNT_ID and STOPLINE_API_KEY at STOPLINE_API_URL, else as"
        " the demo account of the running stack.",
    )
    command.add_argument("phone", metavar="+E164")
    command.add_argument("--reason", required=True, help="kept with the erasure; names nobody")
    command.add_argument("--by", required=True, help="who has it done; kept, too")
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    account = _account()
    body = {"phone": arguments.phone, "reason": arguments.reason, "by": arguments.by}
    erasure = account.call("/v1/erasures", body)
    while erasure["state"] in {"waiting", "running"}:
        time.sleep(_EVERY_SECONDS)
        erasure = account.call(f"/v1/erasures/{erasure['erasure_id']}")
    counts = ", ".join(f"{count} {name}" for name, count in erasure["erased"].items())
    print(f"{erasure['erasure_id']} {erasure['state']}: {counts or erasure['error']}")
    return 0 if erasure["state"] == "done" else 1


class _Account(NamedTuple):
    """An account's way into the API; with the standard library, as this runs in the services' image too."""

    url: str
    account_id: str
    api_key: str

    def call(self, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        """Return the answer to a GET, or with a body to a POST.

        Raises:
            MisconfiguredError: the API refuses it, and says why.
            TransientError: the API cannot be reached.
        """
        login = b64encode(f"{self.account_id}:{self.api_key}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}{path}", data, headers)  # noqa: S310 (the operator's own address)
        try:
            with urlopen(request, timeout=_REQUEST_SECONDS) as answer:  # noqa: S310 (the same)
                read: dict[str, Any] = json.load(answer)
        except HTTPError as error:
            raise MisconfiguredError(f"{error.code}: {json.load(error)['error']['message']}") from None
        except (OSError, ValueError) as error:
            raise TransientError(f"the customer API at {self.url}: {error}") from None
        return read


def _account() -> _Account:
    given = [os.environ.get(f"STOPLINE_{name}", "") for name in ("API_URL", "ACCOUNT_ID", "API_KEY")]
    if all(given):
        return _Account(*given)
    if any(given):
        raise MisconfiguredError("set all three: STOPLINE_API_URL, STOPLINE_ACCOUNT_ID and STOPLINE_API_KEY")
    from harness.cli.running_stack import running_stack

    book = running_stack()
    return _Account(book.api_url, book.demo_account.account_id, book.demo_account.api_key)
