"""Every limit of the dashboard, in one place."""

API_SECONDS = 15.0
"""For a whole answer of the API; uploads and live feeds have limits of their own."""
UPLOAD_SECONDS = 300.0
API_CONNECTIONS = 100
"""For answers that come at once; live feeds and files have limits of their own, and take none of these."""
FILES_AT_ONCE = 100
FILES_AT_ONCE_OF_ACCOUNT = 10
"""Downloads, of this process."""
API_ANSWER_BYTES = 8 * 1024 * 1024
FORM_BYTES = 1024 * 1024
STRANGERS_FORM_BYTES = 16 * 1024
"""Of whoever is not signed in."""
UPLOAD_BYTES = 64 * 1024 * 1024
"""Of the forms whose path ends with /import: a file of contacts."""
UPLOADS_AT_ONCE = 3
UPLOADS_AT_ONCE_OF_ACCOUNT = 2
"""Of this process, which has each in its folder for temporary files meanwhile."""
KNOWN_USERS = 10_000
KNOWN_SECONDS = 20.0
"""How long it is remembered whose session it is, for the look of a page: the API checks each request by itself."""
SIGN_INS_AT_ONCE = 10.0
SECONDS_PER_SIGN_IN = 5.0
SIGN_IN_ADDRESSES = 10_000
LIVE_AT_ONCE = 500
LIVE_AT_ONCE_OF_ACCOUNT = 50
"""Browsers that follow a page live, of this process."""
LIVE_PAUSE_SECONDS = 0.5
LIVE_DRAWN_A_SECOND = 100
"""However much happens, a live page is drawn again after the pause, and all together no more often than this."""
LIVE_REFUSED_SECONDS = 30.0
"""Until a live page that the API refuses asks again."""
LIVE_RETRY_SECONDS = 2.0
TICK_SECONDS = 3.0
"""So often a live page looks at the health of services, where nothing else happens."""
HEALTH_SECONDS = 2.0
"""For the answer of a service that is asked how it is; asked again no sooner than after as long."""
HEALTH_CHARACTERS = 400
