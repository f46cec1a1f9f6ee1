"""A customer's program on the second generation of ClickSend's client; only the host and the credentials are ours."""

import inspect
import json
import os
from typing import Any

import clicksend
from clicksend.exceptions import ApiException
from customer_loop import serve

client = clicksend.ApiClient(
    clicksend.Configuration(host=os.environ["HOST"], username=os.environ["USERNAME"], password=os.environ["PASSWORD"])
)


def call(asked: dict[str, Any]) -> Any:
    if asked["method"] is None:
        return by_hand(asked)
    api, name = asked["method"].split(".")
    method = getattr(getattr(clicksend, api)(client), name)
    arguments = {**asked["path"], **asked["query"]}
    if asked["body"] is not None:
        taken = inspect.signature(method).parameters
        arguments[next(each for each in taken if each == "body" or each.endswith("_request"))] = asked["body"]
    return method(**arguments).to_dict()


def by_hand(asked: dict[str, Any]) -> Any:
    request = client.param_serialize(
        asked["verb"],
        asked["template"],
        path_params=asked["path"],
        query_params=list(asked["query"].items()),
        header_params={"Content-Type": "application/json", "Accept": "application/json"},
        body=asked["body"],
        auth_settings=["basicAuth"],
    )
    answer = client.call_api(*request)
    answer.read()
    if answer.status >= 300:
        raise ApiException.from_response(http_resp=answer, body=answer.data.decode(), data=None)
    return json.loads(answer.data)


serve(call, ApiException)
