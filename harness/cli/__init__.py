"""The command `stopline`: the services, the stack on this machine, and what operators need."""
