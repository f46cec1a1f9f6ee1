"""The report as one page of HTML: nothing from elsewhere, no script, and every text of others escaped."""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from html import escape

from harness.audit.history import moment
from harness.audit.judge import AuditFinding
from harness.audit.summary import DELAYS, AuditSummary, FoundCounts, seconds_after, shown_phone

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #b3261e; --calm: #1b7f4b; --dim: #6b6b6b }
@media (prefers-color-scheme: dark) { :root { --accent: #ff8a80; --calm: #7bd6a3; --dim: #a3a3a3 } }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 0 auto; padding: 2rem 1rem 4rem;
  font-variant-numeric: tabular-nums }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem }
p { max-width: 46rem } .dim, caption { color: var(--dim) } .found { color: var(--accent) } .none { color: var(--calm) }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem; margin: 1.5rem 0 }
dl div { border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem }
dt { color: var(--dim); font-size: .85rem } dd { margin: 0; font-size: 1.5rem; font-weight: 600 }
.tables { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 0 2rem; align-items: start }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem }
caption { text-align: left; padding: .25rem 0 } th, td { text-align: left; vertical-align: top; padding: .4rem .6rem }
th { font-size: .8rem; color: var(--dim); font-weight: 500; border-bottom: 1px solid var(--line); white-space: nowrap }
td { border-bottom: 1px solid var(--soft); overflow-wrap: anywhere } .n { text-align: right; white-space: nowrap }
.t { white-space: nowrap } .text { min-width: 14rem } rect { fill: currentColor; opacity: .35 } svg { display: block }
@media print { body { padding: 0 } tr { break-inside: avoid } }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
_ROWS_OF_TABLES = 15
_BAR_UNITS = 100
_SHOWN_CHARACTERS = 300
_HOW = """<h2>How it was judged</h2>
<p>Each reply was read by the rules that Stopline would have gone by, each opt-out was attributed to the list whose
message it answers, and each later message that its scopes forbid is named. Messages in the same second as the reply are
not: which was first is not known. Held replies look like opt-outs; with Stopline nothing would have been sent until a
person had looked. Not known here: consent that was given elsewhere, such as by a form, where it is in no file that
was read; opt-outs that did not come as a reply, or came before the first reply that was read.</p></main></body></html>
"""
_VIEW = (
    '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">'
)
_BAR = '<svg width="100" height="12" aria-hidden="true"><rect width="{width}" height="12"/></svg>'
_NAMED_BAD_ROWS = 100
_HEADING = {
    "found": "{count} messages went to people who had opted out",
    "none": "No message went to anybody who had opted out",
    "missing": "Nothing can be said: no {missing} were read",
}


def page(summary: AuditSummary, made_at: datetime, *, is_masked: bool) -> str:
    """Return the page about an audit that is complete."""
    state = "missing" if summary.missing else "found" if summary.opted_out.messages else "none"
    heading = _HEADING[state].format(count=f"{summary.opted_out.messages:,}", missing=summary.missing)
    return "".join(
        (
            f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(heading)}</title>',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">',
            _VIEW,
            f"<style>{_STYLE}</style></head><body><main>",
            f'<h1 class="{state}">{escape(heading)}</h1><p class="dim">{_about(summary, made_at)}</p>',
            _figures(summary),
            *_found(summary, is_masked=is_masked),
            *_bad_rows(summary),
            _HOW,
        )
    )


def _about(summary: AuditSummary, made_at: datetime) -> str:
    sources = ", ".join(summary.sources)
    spans = f"messages of {summary.sent_span}, replies of {summary.reply_span}"
    return escape(f"Shadow audit of {sources}: {spans}. Made {made_at:%Y-%m-%d %H:%M} UTC; all times are UTC.")


def _figures(summary: AuditSummary) -> str:
    figures = {
        "messages sent": summary.sent,
        "replies": summary.replies,
        "replies that opt out": summary.judged.opt_outs,
        "should have been stopped": summary.opted_out.messages,
        "people who got them": summary.opted_out.phones,
    }
    if summary.opt_ins:
        figures["opt-ins given elsewhere"] = summary.opt_ins
    if summary.held.messages:
        figures["sent while a reply would wait for review"] = summary.held.messages
    if summary.not_delivered.messages:
        figures["forbidden, but not delivered"] = summary.not_delivered.messages
    shown = "".join(f"<div><dt>{escape(name)}</dt><dd>{value:,}</dd></div>" for name, value in figures.items())
    return f"<dl>{shown}</dl>"


def _found(summary: AuditSummary, *, is_masked: bool) -> Iterator[str]:
    for title, counts in (("What should have been stopped", summary.opted_out), ("Held for review", summary.held)):
        if counts.messages:
            yield f"<h2>{title}</h2>{_tables(counts)}"
    if summary.most:
        rows = "".join(_phone_row(count, each, is_masked=is_masked) for count, each in summary.most)
        head = _head("phone", "messages since", "reply", "at", "rule")
        yield f'<h2>Who got most of them</h2><div class="scroll"><table>{head}<tbody>{rows}</tbody></table></div>'
    if summary.newest:
        total = summary.opted_out.messages + summary.held.messages
        shown = f"<caption>The newest {len(summary.newest)}; all are in findings.csv.</caption>"
        note = shown if total > len(summary.newest) else ""
        rows = "".join(_finding_row(each, is_masked=is_masked) for each in summary.newest)
        head = _head("phone", "sent", "after", "list", "from", "message", "reply", "rule", "kind")
        yield f'<h2>The messages</h2><div class="scroll"><table>{note}{head}<tbody>{rows}</tbody></table></div>'


def _tables(counts: FoundCounts) -> str:
    tables = (
        ("by rule", counts.rules.most_common(_ROWS_OF_TABLES)),
        ("by list", counts.lists.most_common(_ROWS_OF_TABLES)),
        ("by number that they came from", counts.senders.most_common(_ROWS_OF_TABLES)),
        ("by time after the reply", [(name, counts.delays[name]) for name in DELAYS]),
        ("by month", sorted(counts.months.items())[-_ROWS_OF_TABLES:]),
    )
    return f'<div class="tables">{"".join(_table(*each) for each in tables)}</div>'


def _table(name: str, counted: Iterable[tuple[str, int]]) -> str:
    rows = Counter(dict(counted))
    most = max([*rows.values(), 1])
    shown = "".join(
        f'<tr><td>{escape(each or "(none)")}</td><td class="n">{count:,}</td><td>{_bar(count / most)}</td></tr>'
        for each, count in rows.items()
    )
    return f"<table><caption>{escape(name)}</caption><tbody>{shown}</tbody></table>"


def _bar(share: float) -> str:
    return _BAR.format(width=round(share * _BAR_UNITS))


def _phone_row(count: int, finding: AuditFinding, *, is_masked: bool) -> str:
    reply, match = finding.stopped_by.reply, finding.stopped_by.match
    cells = (reply.text[:_SHOWN_CHARACTERS], _time(reply.at), match.rule or match.matched_by)
    phone = shown_phone(finding.message.phone, is_masked=is_masked)
    return f'<tr><td class="t">{escape(phone)}</td><td class="n">{count:,}</td>{"".join(map(_cell, cells))}</tr>'


def _finding_row(finding: AuditFinding, *, is_masked: bool) -> str:
    message, by = finding.message, finding.stopped_by
    first = (shown_phone(message.phone, is_masked=is_masked), _time(message.at), _span(seconds_after(finding)))
    rest = (
        message.list_name,
        message.sender,
        message.text[:_SHOWN_CHARACTERS],
        by.reply.text[:_SHOWN_CHARACTERS],
        by.match.rule or by.match.matched_by,
        finding.kind.replace("_", " "),
    )
    return f"<tr>{''.join(f'<td class=t>{escape(each)}</td>' for each in first)}{''.join(map(_cell, rest))}</tr>"


def _cell(text: str) -> str:
    return f"<td>{escape(text)}</td>"


def _head(*names: str) -> str:
    return f"<thead><tr>{''.join(f'<th>{escape(name)}</th>' for name in names)}</tr></thead>"


def _time(at: int) -> str:
    return f"{moment(at):%Y-%m-%d %H:%M:%S}"


def _span(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.0f} s"


def _bad_rows(summary: AuditSummary) -> Iterator[str]:
    bad = summary.bad
    if not bad.count:
        return
    rows = "".join(
        f'<tr>{_cell(summary.sources[each.place.source])}<td class="n">{each.place.row:,}</td>{_cell(each.reason)}</tr>'
        for each in bad.named[:_NAMED_BAD_ROWS]
    )
    note = f"<p>{bad.count:,} rows could not be used, and nothing is said about them; the first are:</p>"
    yield f"<h2>Rows that could not be used</h2>{note}<table>{_head('file', 'row', 'why')}<tbody>{rows}</tbody></table>"
