"""From `inbound-messages` to `suppressions` and `opt-out-events`: a worker a partition, a transaction a batch."""
