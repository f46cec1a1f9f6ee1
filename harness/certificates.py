"""The certificates that our HTTP clients trust."""

import ssl
from functools import cache

import httpx


@cache
def certificates() -> ssl.SSLContext:
    """Return the machine's certificates, read once: httpx takes 25 ms of CPU to read them for each client."""
    return httpx.create_ssl_context()
