"""The dashboard: what people look at. A client of the customer API over HTTP, and of nothing else."""
