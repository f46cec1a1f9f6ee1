"""Parked records for operators: read from `parked-messages`, replayed to their topic, or dropped with a reason.

An account sees none of them: a record that nobody could read does not say whose it is.
"""
