"""`stopline audit`: what Stopline would have stopped, of what was sent elsewhere. It sends and changes nothing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer

from harness.cli import audit_options as option
from harness.cli.output import AsJson
from harness.cli.rules import Packs, RulesFile

_HELP = """Report what Stopline would have stopped, of what was sent elsewhere; sends and changes nothing.

Exit code 0: nothing; 1: messages that should have been stopped; 2: bad input, or rows that could not be used and
nothing in the others; 75: a gateway's API cannot be reached. The report is a page, a CSV and JSON.
"""
_REPORT = Path("stopline-audit")


def add_commands(app: typer.Typer) -> None:
    app.command("audit", help=_HELP)(_audit)


def _audit(
    files: option.BothWays = None,
    *,
    sent: option.SentFiles = None,
    replies: option.ReplyFiles = None,
    opt_ins: option.OptInFiles = None,
    clicksend: option.FromClickSend = False,
    twilio: option.FromTwilio = False,
    since: option.Since = None,
    until: option.Until = None,
    api_url: option.ApiAddress = None,
    out: option.ReportFolder = _REPORT,
    country: option.OfCountry = None,
    zone: option.OfZone = "UTC",
    time_format: option.TimeFormat = None,
    column: option.NamedColumns = None,
    encoding: option.FileEncoding = None,
    rules_file: RulesFile = None,
    pack: Packs = None,
    window_days: option.WindowDays = option.WINDOW_DAYS,
    list_per_sender: option.ListPerSender = False,
    mask: option.Masked = False,
    fail_on_held: option.FailsOnHeld = False,
    skip_bad_rows: option.SkipsBadRows = False,
    as_json: AsJson = False,
) -> int:
    from harness.cli.audit_run import AuditRequest, GatewayAsked, run_audit

    kinds = ((files, None), (sent, "sent"), (replies, "replies"), (opt_ins, "opt_ins"))
    now = datetime.now(UTC)
    start = since or now - timedelta(days=option.LAST_DAYS)
    request = AuditRequest(
        [(each, kind) for named, kind in kinds for each in named or ()],
        GatewayAsked(clicksend, twilio, start, until or now, api_url), country, zone, time_format, column or [],
        encoding, rules_file, pack or [], window_days, list_per_sender, out, mask,
    )  # fmt: skip
    return run_audit(request, now, fails_on_held=fail_on_held, skips_bad_rows=skip_bad_rows, as_json=as_json)
