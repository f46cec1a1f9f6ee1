"""The stack in the background: `stopline up` starts this as a process of its own, which owns all the others."""
