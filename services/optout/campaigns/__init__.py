"""Campaigns: one text to everybody on a list, personalised, at the pace of the sender."""
