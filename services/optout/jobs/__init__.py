"""Long work for accounts: imports, clean-ups, campaigns. In steps, so that any instance of the API can continue it."""
