"""This machine as the harness uses it: the user's folders, temporary folders, ports, locks between processes."""
