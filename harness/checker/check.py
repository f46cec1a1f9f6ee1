"""The judgement: a pure function of a history."""

from harness.checker.fates import check_fates
from harness.checker.history import History
from harness.checker.record import check_record
from harness.checker.sends import check_sends
from harness.checker.timeline import timelines
from harness.checker.violation import Violation


def check(history: History) -> list[Violation]:
    """Return every violation of a guarantee that the history shows; none is the proof that was asked for.

    * G1: no call was decided after a STOP was acknowledged (unless an opt-in may have been seen), on a decision older
      than a second, or without having been announced.
    * G2: what was answered 2xx is in Kafka, decided once, and has its effect; every request has one fate.
    * G3: no message has two calls.
    * G4: nothing was called while something was down without which no guarantee can be given.
    * G5: only lists that a reply was about changed; nothing was dropped that nobody opted out of.
    * G6: the carrier was given nothing that nobody asked for.
    * G8: no entry of the record was changed after it was written.
    """
    lines = timelines(history)
    return [
        *check_sends(history, lines),
        *check_record(history, lines),
        *check_fates(history, lines),
    ]
