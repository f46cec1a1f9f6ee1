"""The events on Kafka: one module a topic, `codec` to write and read them."""
