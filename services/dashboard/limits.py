"""Every limit of the dashboard, in one place."""

API_SECONDS = 15.0
"""For a whole answer of the API; uploads and live feeds have limits of their own."""
UPLOAD_SECONDS = 300.0
API_CONNECTIONS = 100
API_ANSWER_BYTES = 8 * 1024 * 1024
FORM_BYTES = 1024 * 1024
UPLOAD_BYTES = 64 * 1024 * 1024
"""Of the forms whose path ends with /import: a file of contacts."""
KNOWN_USERS = 10_000
KNOWN_SECONDS = 20.0
"""How long it is remembered whose session it is, for the look of a page: the API checks each request by itself."""
SIGN_INS_AT_ONCE = 10.0
SECONDS_PER_SIGN_IN = 5.0
SIGN_IN_ADDRESSES = 10_000
LIVE_AT_ONCE = 500
"""Browsers that follow a page live, of this process."""
LIVE_RETRY_SECONDS = 2.0
TICK_SECONDS = 3.0
"""So often a live page looks at the health of services, where nothing else happens."""
HEALTH_SECONDS = 2.0
"""For the answer of a service that is asked how it is; asked again no sooner than after as long."""
HEALTH_CHARACTERS = 400
