"""The live feed: what happens now, counted in memory from Kafka, and streamed to whoever looks."""
