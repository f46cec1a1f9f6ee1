"""Histories that gateways keep, read through their APIs: nothing is sent, marked or changed there."""
