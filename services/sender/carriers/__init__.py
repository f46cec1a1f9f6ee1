"""Carriers: one module each, behind `carrier.Carrier`."""
