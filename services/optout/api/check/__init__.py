"""`POST /v1/check`: the decision that the sender would make now, for systems that send by themselves."""
