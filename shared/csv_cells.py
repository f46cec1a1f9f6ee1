"""Cells of CSV files that people open in spreadsheets."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; a phone number in E.164 stays as it is."""
    if text.startswith(_FORMULA_STARTS) and not (text[0] == "+" and text[1:].isdecimal()):
        return f"'{text}"
    return text
