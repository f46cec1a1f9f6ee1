"""From `inbound-messages` to `suppressions` and `opt-out-events`: a worker per partition, a transaction per batch."""
