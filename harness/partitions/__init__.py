"""The change of the number of partitions of a deployment that is stopped (docs/partitions.md)."""
