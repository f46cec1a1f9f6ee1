"""SMPP 3.4, as an ESME speaks it: the sender submits by it, and the inbound service receives."""
