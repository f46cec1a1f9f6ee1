"""Webhooks to customers: what a rule with the action URL calls."""
