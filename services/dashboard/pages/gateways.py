"""The gateways: whether replies reach us, what was heard from each, and the addresses to set in their consoles."""

from collections.abc import Mapping, Sequence
from typing import Any

import htpy as h
from fastapi import APIRouter
from starlette.responses import Response

from services.dashboard.components.badge import badge
from services.dashboard.components.empty_state import empty_state
from services.dashboard.components.moment import moment
from services.dashboard.components.notice import notice
from services.dashboard.visit import Visit

routes = APIRouter()


@routes.get("/gateways")
async def gateway_list(visit: Visit) -> Response:
    """Show the gateways that were heard from, and every address."""
    found = await visit.api.get("/v1/account/gateways")
    titles = {each["gateway"]: each["title"] for each in found["addresses"] or ()}
    heard = found["gateways"]
    return visit.page(
        "Gateways",
        h.div(".title-row")[h.h1["Gateways"]],
        _reception(found["reception"]),
        [_heard(each, titles) for each in heard] if heard else _silence(),
        _addresses(found["addresses"], {each["gateway"] for each in heard}),
    )


def _reception(reception: Mapping[str, Any]) -> h.Node:
    beat = moment(reception["confirmed_at"])
    match reception["state"]:
        case "receiving":
            since = h.fragment[", without a gap since ", moment(reception["since"])] if reception["since"] else None
            return notice("good", h.strong["Replies can be received."], " The last heartbeat was ", beat, since, ".")
        case "silent":
            return notice(
                "bad",
                h.strong["No webhook can be received now."],
                " The last heartbeat was ",
                beat,
                ". Somebody may be writing STOP: have your operator look at the inbound service.",
            )
        case _:
            return notice(
                "warn", h.strong["It is not known whether replies can be received."], " No heartbeat was read yet."
            )


def _silence() -> h.Node:
    return h.section(".card")[
        empty_state(
            "No gateway has been heard from",
            "Set the address of your gateway in its console, then write to your number from a phone: it appears here.",
        )
    ]


def _heard(gateway: Mapping[str, Any], titles: Mapping[str, str]) -> h.Node:
    name = gateway["gateway"]
    return h.section(".card", aria_labelledby=f"gateway-{name}")[
        h.h2(id=f"gateway-{name}")[titles.get(name, name), " ", badge("heard from", "good")],
        h.dl(".facts")[
            h.dt["Last webhook"], h.dd[moment(gateway["heard_at"])],
            h.dt["Replies read from its API"], h.dd[_caught_up(gateway["caught_up_to"])],
            h.dt["Its own blocks, read here"], h.dd[moment(gateway["blocked_at"], empty="none so far")],
            h.dt["Answers STOP itself"], h.dd[_answers(gateway)],
        ],
    ]  # fmt: skip


def _caught_up(time: str | None) -> h.Node:
    if time is None:
        return h.span(".hint")["not set up: after downtime, replies that it does not repeat are lost"]
    return ["all that it listed by ", moment(time)]


def _answers(gateway: Mapping[str, Any]) -> h.Node:
    taken = gateway["took_stop_itself_at"]
    if gateway["answers_stop_itself"] != "by_default":
        return "not that we know"
    last = [" It last did ", moment(taken), "."] if taken else None
    return [badge("by default", "warn"), last, h.br, "To switch it off: ", gateway["how_to_switch_it_off"], "."]


def _addresses(addresses: Sequence[Mapping[str, Any]] | None, heard: set[str]) -> h.Node:
    if addresses is None:
        return h.section(".card")[
            h.p(".hint")["Whoever administers the account sees the addresses to set at gateways."]
        ]
    ordered = sorted(addresses, key=lambda each: (each["gateway"] not in heard, each["title"].lower()))
    return h.section(".card", aria_labelledby="addresses")[
        h.h2("#addresses")["Addresses to set in the gateways' consoles"],
        h.p(".hint")[
            "Keep an address as you keep a password: for gateways that sign nothing it is the only proof. Credentials"
            " of gateways are settings of the deployment, and are shown nowhere."
        ],
        [_address(each, is_open=each["gateway"] in heard) for each in ordered],
    ]


def _address(address: Mapping[str, Any], *, is_open: bool) -> h.Node:
    name = address["gateway"]
    return h.details(open=is_open, name=None)[
        h.summary[address["title"]],
        _copied(f"url-{name}", "Address for replies", address["webhook_url"], address["console"]),
        _copied(f"receipts-{name}", "Address for receipts", address["receipts_url"], address["receipts_console"])
        if address["receipts_url"]
        else h.p(".hint")["Delivery receipts come to the same address."],
    ]


def _copied(name: str, label: str, url: str, where: str) -> h.Node:
    """Return a field that can be selected and copied by hand, and a button where scripts run."""
    return h.div(".field.copied")[
        h.label(for_=name)[label],
        h.div[
            h.input(id=name, value=url, readonly=True, spellcheck="false", aria_describedby=f"{name}-where"),
            h.button(".quiet", type="button", data_copies=name, hidden=True)["Copy"],
        ],
        h.small(id=f"{name}-where")["In the console: ", where],
    ]
