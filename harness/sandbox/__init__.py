"""The sandbox carrier: an HTTP carrier with phones, for tests, the demo and benchmarks.

The sender calls it like a carrier (`carrier`); a person looks at a phone and replies from it (`people`); replies and
receipts are posted as a gateway posts them (`clicksend`, `gateway`); faults are switched on and off (`faults`).
Nothing in here ever answers a reply: what stands on a phone was sent through the carrier's interface.

Only the carrier's interface asks for a token. The rest is open to whoever reaches the port: keep it on a machine's
own address or inside a test network.
"""
