"""The findings as CSV, written as they are found; no cell is a formula to a spreadsheet."""

import csv
from typing import IO

from harness.audit.history import moment
from harness.audit.judge import AuditFinding
from harness.audit.summary import seconds_after, shown_phone
from shared.csv_cells import harmless

COLUMNS = (
    "kind", "phone", "sent_at", "seconds_after_reply", "list", "from", "message_id", "text", "sent_in", "sent_row",
    "replied_at", "replied_to_number", "reply", "reply_in", "reply_row", "rule", "reason", "term", "scope",
    "attribution",
)  # fmt: skip


class FindingsWriter:
    """A writer of findings to a file of text.

    Args:
        file: opened with `newline=""`.
        sources: the names of what was read.
        is_masked: whether phones are written masked.
    """

    def __init__(self, file: IO[str], sources: list[str], *, is_masked: bool) -> None:
        self._writer = csv.writer(file)
        self._sources = sources
        self._is_masked = is_masked
        self._writer.writerow(COLUMNS)

    def write(self, finding: AuditFinding) -> None:
        message, (reply, match, attribution, _) = finding.message, finding.stopped_by
        cells = (
            finding.kind,
            shown_phone(message.phone, is_masked=self._is_masked),
            moment(message.at).isoformat(),
            f"{seconds_after(finding):.0f}",
            message.list_name,
            message.sender,
            message.id,
            message.text,
            self._sources[message.source],
            str(message.row),
            moment(reply.at).isoformat(),
            reply.to,
            reply.text,
            self._sources[reply.source],
            str(reply.row),
            match.rule or "",
            match.matched_by,
            match.term or "",
            finding.scope.partition(":")[0],
            attribution.method,
        )
        self._writer.writerow([harmless(cell) for cell in cells])
