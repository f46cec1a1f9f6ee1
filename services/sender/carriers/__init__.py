"""Carriers: one module each, which implements `carrier.Carrier`."""
