"""`/v3`: the calls of ClickSend's REST API, in its envelope, with its names and types and nothing else."""
