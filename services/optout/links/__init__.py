"""The pages of opt-out links, in a process of their own: what recipients open delays neither pipeline nor API."""
