"""The loop of a customer's program: reads one call per line, writes what the client made of its answer.

Runs in a process of its own with a client's packages only: standard library, Python 3.11.
"""

import json
import sys
import traceback
from collections.abc import Callable
from typing import Any


def serve(call: Callable[[dict[str, Any]], Any], refused_by_the_api: type[Exception]) -> None:
    """Answer each call with `answer`, with `status` where the API refused it, with `raised` where the client did."""
    for line in sys.stdin:
        try:
            outcome = {"answer": call(json.loads(line))}
        except refused_by_the_api as error:
            outcome = {"status": error.status, "body": error.body}  # type: ignore[attr-defined]
        except Exception:  # noqa: BLE001 (whatever a client raises fails the test that asked)
            outcome = {"raised": traceback.format_exc()}
        sys.stdout.write(json.dumps(outcome, default=_text) + "\n")
        sys.stdout.flush()


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
