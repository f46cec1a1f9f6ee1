"""A copy of all suppressions, and the fence that says when it may be asked (G1).

The copy is fed by the topic, kept across restarts and proven against checkpoints. The sender has one, and so has the
customer API.
"""
