"""Messages for later: put into the ledger's database, and decided when their time has come."""
