"""Carriers' own lists of who opted out: read into `carrier_blocked`, and written from our opt-out events.

Pure, one module for each carrier and direction: a request is built from what is known, a response is read.
"""
