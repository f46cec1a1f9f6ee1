"""Whether what recipients write reaches us: heartbeats of the inbound service, and how far it has been caught up with.

`follow.py` reads the topic `inbound-status`, `state.py` says what follows from it.
"""
