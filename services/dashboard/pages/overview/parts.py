"""The parts of the overview: each is drawn with the page, and again when something happens."""

from collections.abc import Mapping, Sequence
from typing import Any

import htpy as h

from services.dashboard.components.badge import badge
from services.dashboard.components.chart import chart
from services.dashboard.components.empty_state import empty_state
from services.dashboard.components.figure import figure, figures
from services.dashboard.components.moment import moment
from services.dashboard.components.notice import notice
from services.dashboard.components.number_link import number_link
from services.dashboard.components.table import table
from services.dashboard.health import ServiceHealth
from services.dashboard.pages.overview.problems import Problem
from shared.scopes import ACCOUNT

_HOW = {
    "reply": "reply",
    "link": "link",
    "api": "API",
    "import": "import",
    "by_hand": "by hand",
    "phone_call": "phone call",
    "mail": "mail",
    "carrier": "carrier",
}
_BUSY_RECORDS = 100
_MINUTES = "in the last 15 minutes"


def state(
    found: Sequence[Problem], health: Sequence[ServiceHealth], statistics: Mapping[str, Any] | None
) -> h.Renderable:
    """Return what is wrong, first, and the health of everything."""
    held = statistics["held"] if statistics else 0
    return h.fragment[
        [notice(each.tone, h.strong[each.title], h.p[each.text]) for each in found],
        None if found else notice("good", h.strong["All is well."], " ", _all_is_well(health)),
        _held(held) if held else None,
    ]


def _all_is_well(health: Sequence[ServiceHealth]) -> str:
    if not health:
        return "Replies are decided as they come."
    return f"All {len(health)} services work, and replies are decided as they come."


def _held(held: int) -> h.Renderable:
    many = "999+ replies wait" if held >= 1_000 else "1 reply waits" if held == 1 else f"{held} replies wait"  # noqa: PLR2004
    return notice(
        "info", h.a(href="/review")[f"{many} for a person"], ": they look like opt-outs, and are treated as such."
    )


def services(health: Sequence[ServiceHealth], statistics: Mapping[str, Any] | None) -> h.Renderable:
    """Return the health of each service, and how far each partition is."""
    partitions = statistics["partitions"] if statistics else []
    return h.section(".card")[
        h.h2["Services and partitions"],
        h.ul(".states")[
            [
                h.li[badge("works" if each.problem is None else "down", _tone(each.problem)), each.name]
                for each in health
            ]
        ],
        h.ul(".states")[[h.li[_undecided(each["undecided"]), f"partition {each['partition']}"] for each in partitions]],
        None if health or partitions else h.p(".hint")["Nothing is known of them."],
    ]


def _tone(problem: str | None) -> Any:
    return "good" if problem is None else "bad"


def _undecided(undecided: int) -> h.Renderable:
    return badge("up to date", "good") if undecided < _BUSY_RECORDS else badge(f"{undecided:,} to decide", "warn")


def flow_figures(live: Mapping[str, Any]) -> h.Renderable:
    """Return how much happened in the last minutes."""
    received, opted_out, sent, dropped = (sum(live[each]) for each in ("received", "opted_out", "sent", "dropped"))
    return figures(
        figure("Replies", f"{received:,}", _MINUTES),
        figure("Opt-outs", f"{opted_out:,}", _share(opted_out, received, "of replies")),
        figure("Sent", f"{sent:,}", "taken by the carrier"),
        figure("Dropped", f"{dropped:,}", _share(dropped, sent + dropped, "of messages")),
    )


def _share(part: int, whole: int, of: str) -> str:
    return f"{100 * part / whole:.1f} % {of}" if whole else _MINUTES


def flow_charts(live: Mapping[str, Any]) -> h.Renderable:
    """Return the charts of the last minutes."""
    return h.div(".grid-2")[
        h.section(".card")[
            chart(
                "in",
                "Replies and opt-outs",
                live["times"],
                {"replies": live["received"], "opt-outs": live["opted_out"]},
            )
        ],
        h.section(".card")[chart("out", "Messages", live["times"], {"sent": live["sent"], "dropped": live["dropped"]})],
    ]


def effect(statistics: Mapping[str, Any]) -> h.Renderable:
    """Return the times from reply to effect."""
    shown = statistics["effect"]
    newest = f"the newest {statistics['decisions']:,} decisions"
    none = f"none of {newest} is an opt-out by reply" if statistics["decisions"] else "nothing was decided yet"
    hint = f"of the last {shown['replies']:,} opt-outs by reply, among {newest}" if shown["replies"] else none
    return h.section(".card")[
        h.h2["From reply to effect"],
        figures(
            figure("Half of them within", _milliseconds(shown["p50_ms"]), "p50"),
            figure("99 of 100 within", _milliseconds(shown["p99_ms"]), "p99"),
        ),
        h.p(".hint")[f"From the evidence, {hint}."],
    ]


def _milliseconds(value: float | None) -> str:
    if value is None:
        return "–"  # noqa: RUF001 (a dash)
    return f"{value:,.0f} ms" if value < 1_000 else f"{value / 1000:,.1f} s"  # noqa: PLR2004 (a second)


def newest_opt_outs(rows: Sequence[Mapping[str, Any]]) -> h.Renderable:
    """Return who opted out last."""
    if not rows:
        text = "As soon as somebody replies STOP, or presses a link, the number is here within a second."
        return empty_state("Nobody has opted out yet", text)
    return table(
        "The newest opt-outs",
        ("Number", "What", "From", "How", "When"),
        [
            (
                number_link(each["phone"]),
                badge("held", "warn") if each["state"] == "held" else badge("opted out", "info"),
                each.get("list_name") or ("all lists" if each["scope"] == ACCOUNT else each["scope"]),
                _HOW.get(each.get("source") or "reply", each.get("source")),
                moment(each["opted_out_at"]),
            )
            for each in rows
        ],
    )


def rates(statistics: Mapping[str, Any]) -> h.Renderable:
    """Return the opt-out rates of lists and campaigns."""
    return h.div(".grid-2")[
        h.section(".card")[_rates_of_lists(statistics["lists"])],
        h.section(".card")[_rates_of_campaigns(statistics)],
    ]


def _rates_of_lists(lists: Sequence[Mapping[str, Any]]) -> h.Node:
    title = "Opt-out rate by list"
    if not lists:
        text = "Put contacts on a list, and see here how many leave it."
        return [h.h2[title], empty_state("There is no list yet", text, h.a(href="/lists")["Make a list"])]
    rows = []
    for each in lists:
        of_contacts = each["contacts"] + each["gone"]
        rows.append((h.a(href=f"/lists/{each['list_id']}")[each["name"]], *_rate(each["opted_out"], of_contacts)))
    return [h.h2[title], table(title, ("List", "Opted out", "Of contacts", "Rate"), rows, figures=(1, 2, 3))]


def _rates_of_campaigns(statistics: Mapping[str, Any]) -> h.Node:
    title = "Opt-out rate by campaign"
    campaigns = statistics["campaigns"]
    if not campaigns:
        text = "Send one, and see here how many reply STOP."
        return [h.h2[title], empty_state("There is no campaign yet", text, h.a(href="/campaigns")["To the campaigns"])]
    rows = [
        (h.a(href=f"/campaigns/{each['campaign_id']}")[each["name"]], *_rate(each["opted_out"], each["requested"]))
        for each in campaigns
    ]
    hint = f"Opt-outs by reply among the newest {statistics['decisions']:,} decisions; older ones are not counted."
    columns = ("Campaign", "Opted out", "Of messages", "Rate")
    return [h.h2[title], table(title, columns, rows, figures=(1, 2, 3)), h.p(".hint")[hint]]


def _rate(part: int, whole: int) -> tuple[str, str, str]:
    return f"{part:,}", f"{whole:,}", f"{100 * part / whole:.2f} %" if whole else "–"  # noqa: RUF001 (a dash)
