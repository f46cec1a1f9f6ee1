"""Messages that are sent by API: who may get them, when they are published, their outcomes."""
