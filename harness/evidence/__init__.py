"""Evidence that needs no trust: exports of the record, its anchors, and the check that compares the two."""
