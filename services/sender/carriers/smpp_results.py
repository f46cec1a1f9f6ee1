"""Results of the response to a `submit_sm`: the table of `docs/carriers.md`, which a test compares with this."""

from collections.abc import Collection

from services.sender.carriers.carrier import Accepted, Blocked, CallResult, Refused, Throttled, Unknown
from services.sender.carriers.responses import BUSY_SECONDS, NOT_ALLOWED_SECONDS, text_of
from shared.smpp.message_ids import WrittenAs, compared_id
from shared.smpp.pdus import Command, Pdu, is_answered_by, message_id_of
from shared.smpp.statuses import VENDOR_STATUSES, CommandStatus, name_of_status

THROTTLED = frozenset({CommandStatus.ESME_RTHROTTLED, CommandStatus.ESME_RMSGQFUL})
"""Nothing was taken, for the pace alone: SMPP 3.4 has both for a message that the SMSC has not queued."""
UNKNOWN = frozenset({CommandStatus.ESME_RSYSERR, CommandStatus.ESME_RUNKNOWNERR, CommandStatus.ESME_RDELIVERYFAILURE})
"""Something went wrong in the SMSC, which may have happened after it had taken the message."""
PAUSED = frozenset({CommandStatus.ESME_RINVBNDSTS, CommandStatus.ESME_RINVSYSTYP, CommandStatus.ESME_RINVSERTYP})
"""What holds for all other messages of the bind too."""
REFUSED = frozenset(CommandStatus) - THROTTLED - UNKNOWN - {CommandStatus.ESME_ROK}


def result_of_submit(
    response: Pdu, opted_out_statuses: Collection[int] = (), message_ids: WrittenAs = "text"
) -> CallResult:
    """Return what the SMSC's response says."""
    if not is_answered_by(Command.SUBMIT_SM, response):
        return Unknown(f"the SMSC answered with a PDU 0x{response.command:08X}")
    if response.status == CommandStatus.ESME_ROK:
        return _taken(response, message_ids)
    words = name_of_status(response.status)
    if response.status in opted_out_statuses:
        return Blocked(f"0x{response.status:X}", words)
    if response.status in THROTTLED and not message_id_of(response.body):  # else it was taken all the same
        return Throttled(words, BUSY_SECONDS)
    if response.status in REFUSED or response.status in VENDOR_STATUSES:
        return Refused(words, NOT_ALLOWED_SECONDS if response.status in PAUSED else 0)
    return Unknown(f"the SMSC answered {words}")


def _taken(response: Pdu, message_ids: WrittenAs) -> Accepted | Unknown:
    named = "" if response.command == Command.GENERIC_NACK else text_of(message_id_of(response.body))
    return (
        Accepted(compared_id(named, message_ids))
        if named
        else Unknown("the SMSC answered without an error and without a message_id")
    )
