"""AWS Signature Version 4 of a POST request, as AWS documents it ("Create a signed AWS API request").

Forty lines of ours instead of botocore, which brings the models of every service of AWS, and a client that does I/O.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

_ALGORITHM = "AWS4-HMAC-SHA256"


class AwsKey(NamedTuple):
    """An access key, and where it is used."""

    access_key_id: str
    secret: str
    region: str
    service: str


def signed_headers(
    key: AwsKey, headers: Mapping[str, str], body: bytes, at: datetime, *, session_token: str = ""
) -> dict[str, str]:
    """Return the headers of a signed POST to `/`; `headers` has `Host`, `at` is in UTC."""
    moment = at.strftime("%Y%m%dT%H%M%SZ")
    sent = {**headers, "X-Amz-Date": moment, **({"X-Amz-Security-Token": session_token} if session_token else {})}
    canonical = {name.lower(): " ".join(value.split()) for name, value in sent.items()}
    names = ";".join(sorted(canonical))
    lines = "".join(f"{name}:{canonical[name]}\n" for name in sorted(canonical))
    request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{moment[:8]}/{key.region}/{key.service}/aws4_request"
    to_sign = f"{_ALGORITHM}\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signing_key = f"AWS4{key.secret}".encode()
    for part in scope.split("/"):
        signing_key = hmac.digest(signing_key, part.encode(), "sha256")
    signature = hmac.digest(signing_key, to_sign.encode(), "sha256").hex()
    credential = f"Credential={key.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**sent, "Authorization": f"{_ALGORITHM} {credential}"}
