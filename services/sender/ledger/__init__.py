"""The ledger (G3): what became of each message id, written before the carrier is called."""
