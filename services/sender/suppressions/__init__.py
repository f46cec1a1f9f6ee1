"""The sender's copy of all suppressions: fed by the topic, kept across restarts, proven against checkpoints."""
