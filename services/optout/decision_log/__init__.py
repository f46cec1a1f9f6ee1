"""The decision log in Postgres: positions, the state that decisions need, the decisions themselves, what was sent."""
