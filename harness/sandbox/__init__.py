"""The sandbox carrier: an HTTP carrier with phones, for tests, the demo and benchmarks.

The sender calls it like a carrier (`carrier_routes`); a test or a person reads a phone and replies from it
(`phone_routes`); replies and receipts are posted as ClickSend posts them (`gateway`, `clicksend_forms`); a test sets
faults and accounts, and reads every call and webhook (`control_routes`). Nothing in here answers a reply: every message
on a phone was sent through the carrier's interface.

Only the carrier's interface asks for a token. The rest is open to anyone who reaches the port: bind it to the machine's
own address or keep it inside a test network.
"""
