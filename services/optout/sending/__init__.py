"""Messages that are sent by API: what they are, who may get them, when they are published, what became of them."""
