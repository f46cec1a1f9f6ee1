"""Lists of inbound messages: one module per gateway reads its list, and gives rows the names of its webhooks."""
