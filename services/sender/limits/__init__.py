"""Limits of sending: of sender numbers, per second and per day, and of how often an account messages one recipient."""
