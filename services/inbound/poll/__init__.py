"""The process that asks gateways' APIs: for replies whose webhooks never came, and for what carriers have on record."""
