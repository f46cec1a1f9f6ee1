"""The page of simulated phones: what somebody tries first. A process of its own, which no service knows of.

It is a client of everything: it reads the phones at the sandbox carrier (`carrier`), follows all topics (`follow`),
asks the customer API (`customer_api`) and, on a stack of this machine, has parts killed and frozen (`machine`). What it
reads ends up on the `board`, which browsers see as events (`feed`). Every time that it shows is one that a record, an
event or the carrier has, or the moment at which this process read it; `journey` says which.

It listens on this machine alone: `guard` says who may use it.
"""
