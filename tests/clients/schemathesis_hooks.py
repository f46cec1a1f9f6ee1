"""What Schemathesis must not do: delete the key that it asks with, and ask for an empty id, which is another path."""

import os
from typing import Any

import schemathesis  # type: ignore[import-not-found,unused-ignore]


@schemathesis.hook
def before_call(_: Any, case: Any, __: dict[str, Any]) -> None:
    case.path_parameters |= {name: value if value != "" else "-" for name, value in case.path_parameters.items()}
    if case.operation.path == "/v1/api-keys/{key_id}" and str(case.path_parameters["key_id"]) == os.environ["KEY_ID"]:
        case.path_parameters["key_id"] = 0
