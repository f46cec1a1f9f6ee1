"""The life of an opt-out, played on a running stack: a line per claim, `ok` or `FAIL`."""
