"""The options of `stopline audit`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

WINDOW_DAYS = 30
LAST_DAYS = 90


def _moment(text: str | datetime) -> datetime:
    moment = datetime.fromisoformat(text) if isinstance(text, str) else text
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_FILES = list[Path] | None
BothWays = Annotated[_FILES, typer.Argument(metavar="FILE.csv...", help="With a column for the direction: in, out.")]
SentFiles = Annotated[_FILES, typer.Option("--sent", metavar="FILE.csv", help="What was sent; may be repeated.")]
ReplyFiles = Annotated[_FILES, typer.Option("--replies", metavar="FILE.csv", help="What came back; may be repeated.")]
OptInFiles = Annotated[
    _FILES, typer.Option("--opt-ins", metavar="FILE.csv", help="Consent that was given elsewhere; may be repeated.")
]
FromClickSend = Annotated[
    bool, typer.Option("--clicksend", help="ClickSend's history (CLICKSEND_USERNAME, CLICKSEND_API_KEY).")
]
FromTwilio = Annotated[bool, typer.Option("--twilio", help="Twilio's history (TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN).")]
Since = Annotated[
    datetime | None,
    typer.Option(parser=_moment, metavar="DATE", help=f"Since when the APIs are asked; {LAST_DAYS} days ago."),
]
Until = Annotated[datetime | None, typer.Option(parser=_moment, metavar="DATE", help="Until when they are asked; now.")]
ApiAddress = Annotated[str | None, typer.Option("--api-url", help="Another address of the API, such as a proxy's.")]
ReportFolder = Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the report is written.")]
OfCountry = Annotated[
    str | None, typer.Option("--country", metavar="US", help="Of numbers that are written without a country code.")
]
OfZone = Annotated[
    str, typer.Option("--zone", metavar="Europe/Paris", help="Of times that are written without a zone.")
]
TimeFormat = Annotated[
    str | None, typer.Option(metavar="%d.%m.%Y %H:%M", help="Of times that are not ISO 8601 or the like.")
]
NamedColumns = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="FIELD=NAME", help="Which column a field is, such as phone=Handy; repeatable."),
]
FileEncoding = Annotated[str | None, typer.Option("--encoding", help="Of the files; found out without it.")]
WindowDays = Annotated[
    int, typer.Option(min=1, max=365, help="How long before a reply the message was sent that it answers.")
]
ListPerSender = Annotated[
    bool, typer.Option("--list-per-sender", help="Messages without a list are one list for each sender number.")
]
Masked = Annotated[bool, typer.Option("--mask", help="Write phones masked, for a report that others see.")]
FailsOnHeld = Annotated[bool, typer.Option("--fail-on-held", help="Exit code 1 also for messages during a review.")]
SkipsBadRows = Annotated[bool, typer.Option("--skip-bad-rows", help="Exit code 0 although rows could not be used.")]
