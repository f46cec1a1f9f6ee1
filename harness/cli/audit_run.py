"""An audit for the command line: checks the choices, reads the sources, writes the report, says how it ended."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from phonenumbers import SUPPORTED_REGIONS

from harness.audit.columns import FIELDS, columns_of
from harness.audit.csv_files import is_separator_line, rows_of
from harness.audit.history import BadHistoryError
from harness.audit.judge import RememberedRules
from harness.audit.read_rows import Reading
from harness.audit.report import FINDINGS, PAGE, SUMMARY, write_report
from harness.audit.run import Audit, AuditRules, auditing
from harness.audit.sources.clicksend import ClickSendHistory
from harness.audit.sources.listed_history import HEADER, GatewayHistory, Span, api_of
from harness.audit.sources.twilio import TwilioHistory
from harness.audit.summary import AuditSummary
from harness.audit.times import time_reader
from harness.cli.main import EXIT_UNAVAILABLE
from harness.cli.output import progress_bar, show
from harness.cli.rule_files import chosen_rules
from services.inbound.poll.api_keys import ApiCredential
from services.inbound.poll.lists.clicksend import ClickSendApiCredential
from services.inbound.poll.lists.twilio import TwilioApiCredential
from services.optout.policies import ReachPolicies, shipped_policies
from shared.errors import MisconfiguredError, TransientError
from shared.settings import validated_part

_NOTHING, _FOUND, _BAD_INPUT = 0, 1, 2
_NAMED_BAD_ROWS = 20
_MOST_ROWS_BEFORE_THE_HEADER = 100


class GatewayAsked(NamedTuple):
    """The gateways to ask, and about which time."""

    is_clicksend: bool
    is_twilio: bool
    since: datetime
    until: datetime
    api_url: str | None

    def names(self) -> list[str]:
        asked = ((ClickSendHistory.name, self.is_clicksend), (TwilioHistory.name, self.is_twilio))
        return [name for name, is_asked in asked if is_asked]


@dataclass(frozen=True)
class AuditRequest:
    """The choices of whoever asked for the audit; a file has a kind, or a column that says which rows were sent."""

    files: Sequence[tuple[Path, str | None]]
    gateways: GatewayAsked
    country: str | None
    zone: str
    time_format: str | None
    columns: Sequence[str]
    encoding: str | None
    rules_file: Path | None
    packs: Sequence[str]
    window_days: int
    is_list_per_sender: bool
    folder: Path
    is_masked: bool


def run_audit(request: AuditRequest, now: datetime, *, fails_on_held: bool, skips_bad_rows: bool, as_json: bool) -> int:
    """Make the audit; return the exit code."""
    if not request.files and not request.gateways.names():
        raise typer.BadParameter("name files, or --clicksend or --twilio: what was sent, and what came back")
    try:
        with _ended_by_signals(), auditing(_reading(request), _rules(request)) as audit:
            _read(request, audit)
            with progress_bar() as bar:
                task = bar.add_task("judging", total=1.0)

                def on_part(done: float) -> None:
                    bar.update(task, completed=done)

                write_report(audit, request.folder, now, on_part, is_masked=request.is_masked)
            summary = audit.summary
    except BadHistoryError as error:
        return _failed(str(error), _BAD_INPUT)
    except TransientError as error:
        return _failed(f"{error}; nothing was changed: try again", EXIT_UNAVAILABLE)
    _say(summary, request.folder, as_json=as_json)
    return _exit_code(summary, fails_on_held=fails_on_held, skips_bad_rows=skips_bad_rows)


def _exit_code(summary: AuditSummary, *, fails_on_held: bool, skips_bad_rows: bool) -> int:
    if summary.missing:
        return _BAD_INPUT
    if summary.opted_out.messages or (fails_on_held and summary.held.messages):
        return _FOUND
    return _BAD_INPUT if summary.bad.count and not skips_bad_rows else _NOTHING


def _failed(text: str, code: int) -> int:
    print(f"stopline: {text}", file=sys.stderr)
    return code


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Have SIGTERM, and a terminal that is closed, end it as Ctrl-C does: the folder with texts and phones is removed.

    What is ignored, as `nohup` has it, stays so.
    """
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)}
    heard = [each for each, handler in before.items() if handler is not signal.SIG_IGN]
    try:
        for each in heard:
            signal.signal(each, signal.default_int_handler)
    except ValueError:  # not in the main thread: whoever runs it there removes what it leaves
        yield
        return
    try:
        yield
    finally:
        for each in heard:
            signal.signal(each, before[each])


def _reading(request: AuditRequest) -> Reading:
    try:
        zone = ZoneInfo(request.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadHistoryError(f"--zone {request.zone}: write a name such as Europe/Paris") from None
    country = request.country.upper() if request.country else None
    if country is not None and country not in SUPPORTED_REGIONS:
        raise BadHistoryError(f"--country {request.country}: write the two letters of ISO 3166, such as US")
    time_of = time_reader(zone, request.time_format)
    reply_time_of = time_reader(zone, request.time_format, is_latest=True)
    return Reading(time_of, reply_time_of, country, request.is_list_per_sender)


def _rules(request: AuditRequest) -> AuditRules:
    file = os.environ.get("STOPLINE_REACH_POLICIES_FILE")
    try:
        policies = ReachPolicies((), shipped_policies(Path(file) if file else None))
    except ValueError as error:
        raise MisconfiguredError(str(error)) from None
    rules = RememberedRules(chosen_rules(request.rules_file, request.packs))
    return AuditRules(rules, policies, timedelta(days=request.window_days))


def _chosen_columns(given: Sequence[str]) -> dict[str, str]:
    chosen = {}
    for each in given:
        name, _, column = each.partition("=")
        if name not in FIELDS or not column:
            raise BadHistoryError(f"--column {each}: write FIELD=NAME, where FIELD is one of {', '.join(FIELDS)}")
        chosen[name] = column
    return chosen


def _read(request: AuditRequest, audit: Audit) -> None:
    chosen = _chosen_columns(request.columns)
    for path, kind in request.files:
        _read_file(path, kind, chosen, request.encoding, audit)
    for name in request.gateways.names():
        asyncio.run(_read_gateway(name, request.gateways, audit))


def _read_file(path: Path, kind: str | None, chosen: Mapping[str, str], encoding: str | None, audit: Audit) -> None:
    with progress_bar() as bar:
        task = bar.add_task(path.name, total=path.stat().st_size if path.is_file() else None)
        with rows_of(path, encoding, lambda count: bar.update(task, completed=count)) as rows:
            number, header = next(_headers(rows), (0, []))
            if not header:
                raise BadHistoryError(f"{path}: it is empty; the first row names the columns")
            reader = audit.reader(path.name, columns_of(header, kind, chosen, str(path)))
            reader.read(rows, first_row=number + 1)


def _headers(rows: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Yield rows that may name the columns, each with its number."""
    for number, row in enumerate(islice(rows, _MOST_ROWS_BEFORE_THE_HEADER), 1):
        if any(row) and not is_separator_line(row):
            yield number, row


async def _read_gateway(name: str, asked: GatewayAsked, audit: Audit) -> None:
    credential = _credential(name, asked.api_url)
    history: GatewayHistory = ClickSendHistory() if name == ClickSendHistory.name else TwilioHistory()
    reader = audit.reader(name, columns_of(HEADER, None, {}, name))
    async with api_of(name, credential) as api:
        with progress_bar() as bar:
            task = bar.add_task(name, total=None)
            row = 1
            async for page in history.pages(api, Span(asked.since, asked.until)):
                reader.read(page, row)
                row += len(page)
                bar.advance(task, len(page))


def _credential(name: str, api_url: str | None) -> ApiCredential:
    if name == ClickSendHistory.name:
        kind: type[ApiCredential] = ClickSendApiCredential
        given = _settings({"username": "CLICKSEND_USERNAME", "api_key": "CLICKSEND_API_KEY"})
    else:
        kind = TwilioApiCredential
        given = _settings({"account_sid": "TWILIO_ACCOUNT_SID", "auth_token": "TWILIO_AUTH_TOKEN"})
        key = os.environ.get("TWILIO_API_KEY")
        given |= {"api_key": key} if key else {}
    given |= {"base_url": api_url} if api_url else {}
    try:
        return validated_part(f"{name}: ", kind.model_validate, given)
    except ValueError as error:
        raise BadHistoryError(str(error)) from None


def _settings(names: Mapping[str, str]) -> dict[str, str]:
    missing = [setting for setting in names.values() if not os.environ.get(setting)]
    if missing:
        raise BadHistoryError(f"set {' and '.join(missing)} in the environment")
    return {field: os.environ[setting] for field, setting in names.items()}


def _say(summary: AuditSummary, folder: Path, *, as_json: bool) -> None:
    lines = [
        f"{summary.sent:,} messages, {summary.replies:,} replies, {summary.judged.opt_outs:,} of them opt out",
        f"{summary.opted_out.messages:,} messages to {summary.opted_out.phones:,} people should have been stopped",
        f"{summary.held.messages:,} were sent while a reply would have waited for review",
        f"{summary.not_delivered.messages:,} were forbidden, but did not arrive",
    ]
    if summary.missing:
        lines.append(f"no {summary.missing} were read: nothing can be said")
    if summary.bad.count:
        lines.append(f"{summary.bad.count:,} rows could not be used, and nothing is said about them:")
        lines += [
            f"  {summary.sources[each.place.source]}, row {each.place.row}: {each.reason}"
            for each in summary.bad.named[:_NAMED_BAD_ROWS]
        ]
    files = {name: str(folder / name) for name in (PAGE, FINDINGS, SUMMARY)}
    lines.append(f"the report: {files[PAGE]}, {FINDINGS}, {SUMMARY}")
    show("\n".join(lines), {**summary.as_json(), "report": files}, as_json=as_json)
