"""The story of an opt-out, played on a running stack: it prints a line per claim, `ok` or `FAIL`."""
