"""Forms of one subscriber's number that libphonenumber's plan data does not join, each with its source.

`MOVED` are numbers of an older plan that became another number, and digits that were written for a while only: the old
form belongs to nobody else, so both are one key. What may belong to somebody else is not here: `OTHER_READINGS` has
the forms for which the plan does not say that the two are one, and what was sent decides.

Left out on purpose: landlines that no text reaches and whose new number depends on the operator (Côte d'Ivoire,
Gabon, Cameroon, Manila 2019), and changes before 2014 (Mauritius 2013, Ecuador 2012, Burkina Faso and Togo 2010).
"""

import re
from typing import NamedTuple


class Equivalent(NamedTuple):
    """A renumbering: `old` matches a whole national number, without the country code; `new` is what it is now."""

    country_code: int
    old: str
    new: str
    source: str


# The five operators' tables (Ministry of Information and Communications, 2018), old prefix to new, without the 0.
_VIETNAM = {
    "120": "70", "121": "79", "122": "77", "126": "76", "128": "78",
    "123": "83", "124": "84", "125": "85", "127": "81", "129": "82",
    "162": "32", "163": "33", "164": "34", "165": "35", "166": "36", "167": "37", "168": "38", "169": "39",
    "186": "56", "188": "58", "199": "59",
}  # fmt: skip

_MOVED = (
    Equivalent(
        52, r"(?:1|01|04[45])([1-9]\d{9})", r"\1",
        "Mexico: 1 for mobiles and the prefixes 01, 044, 045 ended on 3 August 2019 (IFT, plan of 2018)",
    ),
    Equivalent(
        54, r"(?=\d{13}$)9(\d{2,4}15\d{6,8})", r"\1",
        "Argentina: 9 and 15 both say mobile, one of them is enough; libphonenumber then turns 15 into 9",
    ),
    Equivalent(
        55, r"([1-9][1-9])([689]\d{7})", r"\g<1>9\2",
        "Brazil: mobiles got a ninth digit, complete on 6 November 2016 (Anatel 553/2010); not 7, which Nextel kept",
    ),
    Equivalent(
        57, r"([124-8][2-9]\d{6})", r"60\1",
        "Colombia: landlines got 60 on 1 September 2021 (CRC 5826/2019; libphonenumber 8.12.9)",
    ),
    *(
        Equivalent(84, rf"{old}(\d{{7}})", rf"{new}\1", "Vietnam: 11 digits became 10 from 15 September 2018")
        for old, new in _VIETNAM.items()
    ),
    Equivalent(
        225, r"((?:0[1-3]|[457][0-3])\d{6})", r"01\1",
        "Côte d'Ivoire: 8 digits became 10 on 31 January 2021 (ARTCI), by operator (libphonenumber, carrier 225)",
    ),
    Equivalent(225, r"((?:0[4-6]|[4-9][4-6])\d{6})", r"05\1", "Côte d'Ivoire: as above, MTN"),
    Equivalent(225, r"((?:0[7-9]|[4-9][78]|[4578]9)\d{6})", r"07\1", "Côte d'Ivoire: as above, Orange"),
    Equivalent(
        229, r"([4-69]\d{7})", r"01\1",
        "Benin: 8 digits became 10 on 30 November 2024, 01 before every number (ARCEP Bénin)",
    ),
    Equivalent(229, r"(2\d{7})", r"01\1", "Benin: as above, landlines"),
    Equivalent(
        237, r"([79]\d{7})", r"6\1",
        "Cameroon: 8 digits became 9 on 21 November 2014, 6 before every mobile (ART)",
    ),
    Equivalent(
        241, r"0?([256]\d{6})", r"6\1",
        "Gabon: 8 digits became 9 on 15 November 2019, 02, 05, 06 became 062, 065, 066, and 0 is not dialled from"
        " abroad (ARCEP Gabon; the old numbers ended on 6 April 2024)",
    ),
    Equivalent(241, r"0?([47]\d{6})", r"7\1", "Gabon: as above, 04 and 07 became 074 and 077"),
)  # fmt: skip

_OTHER_READINGS = (
    Equivalent(
        54, r"9(\d{10})", r"\1",
        "Argentina: texts go and come with and without the mobile's 9; mobiles and landlines share the area codes, so"
        " the plan does not say which one a number without 9 is",
    ),
    Equivalent(54, r"([1-8]\d{9})", r"9\1", "Argentina: as above"),
    Equivalent(
        55, r"([1-9][1-9])(7\d{7})", r"\g<1>9\2",
        "Brazil: of the numbers with 7 only those of Nextel kept eight digits, and libphonenumber still has them",
    ),
)  # fmt: skip

_Rule = tuple[re.Pattern[str], str]


def _by_country(table: tuple[Equivalent, ...]) -> dict[int, tuple[_Rule, ...]]:
    found: dict[int, list[_Rule]] = {}
    for each in table:
        found.setdefault(each.country_code, []).append((re.compile(each.old), each.new))
    return {code: tuple(rules) for code, rules in found.items()}


MOVED = _by_country(_MOVED)
OTHER_READINGS = _by_country(_OTHER_READINGS)
