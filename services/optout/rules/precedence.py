"""Which of all that matches a reply decides it.

Whatever may decide a reply is a candidate. The candidate highest in this table decides; of two in the same row, that of
the rule that comes first (by `position`, then by id).

| row | candidate                                          | the reply is        | example                          |
|-----|----------------------------------------------------|---------------------|----------------------------------|
| 1   | a rule that opts out, certainly                    | an opt-out          | "STOP"                           |
| 2   | a detector that is certain                         | an opt-out          | "take me off your list"          |
| 3   | an opt-out word with words for everything after it | an opt-out          | "unsubscribe from everything"    |
| 4   | a rule that likely opts out                        | held for a person   | "see you then. stop"             |
| 5   | a detector that is not certain                     | held for a person   | "this is not Linda"              |
| 6   | rules that could not all be searched for in time   | held for a person   | 10,000 words and many patterns   |
| 7   | a rule that opts in, certainly                     | an opt-in           | "START"                          |
| 8   | a rule that likely opts in                         | an opt-in           | "see you then. start"            |
| 9   | a rule for help, certainly                         | a request for help  | "HELP"                           |
| 10  | a rule that is likely for help                     | a request for help  | "see you then. help"             |
| 11  | any other rule; its action follows                 | nothing             | "opening hours?"                 |

Not everything is looked for in every reply, and that is a part of the judgement:

- Detectors are asked only where the best rule so far is not certain (rows 4, 8, 10), decides nothing (row 11), or does
  not exist: what an account names as its word for opting in ("yes") or for help is not second-guessed.
- Words for everything are looked for only where neither row 1 nor row 2 has a candidate.

So most replies cost no more than a look-up of their words.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Literal


class Precedence(IntEnum):
    """The rows of the table above; the smallest number decides."""

    OPT_OUT = 1
    DETECTED = 2
    OPT_OUT_OF_EVERYTHING = 3
    LIKELY_OPT_OUT = 4
    LIKELY_DETECTED = 5
    SEARCH_UNFINISHED = 6
    OPT_IN = 7
    LIKELY_OPT_IN = 8
    HELP = 9
    LIKELY_HELP = 10
    OTHER = 11

    @property
    def kind(self) -> Literal["opt_out", "held", "opt_in", "help", "none"]:
        """The kind of rule match that follows from this row."""
        if self <= Precedence.OPT_OUT_OF_EVERYTHING:
            return "opt_out"
        if self <= Precedence.SEARCH_UNFINISHED:
            return "held"
        if self <= Precedence.LIKELY_OPT_IN:
            return "opt_in"
        return "help" if self <= Precedence.LIKELY_HELP else "none"

    @property
    def opts_out(self) -> bool:
        """Whether a rule or a detector opts out, certainly or likely: rows 1 to 5. Row 6 is held without one."""
        return self <= Precedence.LIKELY_DETECTED


CERTAIN: Mapping[Literal["opt_out", "opt_in", "help"] | None, Precedence] = {
    "opt_out": Precedence.OPT_OUT,
    "opt_in": Precedence.OPT_IN,
    "help": Precedence.HELP,
    None: Precedence.OTHER,
}
"""The precedence of a rule that certainly matches, by what its action decides."""

LIKELY = {
    Precedence.OPT_OUT: Precedence.LIKELY_OPT_OUT,
    Precedence.OPT_IN: Precedence.LIKELY_OPT_IN,
    Precedence.HELP: Precedence.LIKELY_HELP,
}
"""The precedence of the same rule where the match is not certain."""
