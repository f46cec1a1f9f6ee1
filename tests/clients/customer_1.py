"""A customer's program on the first generation of ClickSend's client; only the host and the credentials are ours."""

import ast
import os
from typing import Any

import clicksend_client
from clicksend_client.rest import ApiException
from customer_loop import serve

configuration = clicksend_client.Configuration()
configuration.host = os.environ["HOST"] + "/v3"
configuration.username = os.environ["USERNAME"]
configuration.password = os.environ["PASSWORD"]
client = clicksend_client.ApiClient(configuration)


def call(asked: dict[str, Any]) -> Any:
    if asked["method"] is None:
        return by_hand(asked)
    api, method = asked["method"].split(".")
    arguments = {**asked["path"], **asked["query"]}
    if asked["body"] is not None and asked["model"]:
        arguments[body_argument(asked["model"])] = made(asked["model"], asked["body"])
    return ast.literal_eval(getattr(getattr(clicksend_client, api)(client), method)(**arguments))


def by_hand(asked: dict[str, Any]) -> Any:
    template = asked["template"].removeprefix("/v3")
    return client.call_api(
        template,
        asked["verb"],
        path_params=asked["path"],
        query_params=list(asked["query"].items()),
        header_params={"Content-Type": "application/json"},
        body=asked["body"],
        response_type="object",
        auth_settings=["BasicAuth"],
        _return_http_data_only=True,
    )


def body_argument(model: str) -> str:
    return {
        "ContactListImport": "file",
        "Fields": "fields",
        "SmsMessageCollection": "sms_messages",
        "InboundSMSRule": "inbound_sms_rule",
        "SmsCampaign": "campaign",
    }.get(model) or "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in model).lstrip("_")


def made(model: str, fields: dict[str, Any]) -> Any:
    of = getattr(clicksend_client, model)
    attributes = {name: attribute for attribute, name in of.attribute_map.items()}
    return of(**{attributes[name]: value_of(of.clicksend_types[attributes[name]], fields[name]) for name in fields})


def value_of(kind: str, value: Any) -> Any:
    if kind.startswith("list["):
        return [value_of(kind[5:-1], each) for each in value]
    if kind in ("int", "float"):
        return int(value)
    return made(kind, value) if hasattr(clicksend_client, kind) else value


serve(call, ApiException)
