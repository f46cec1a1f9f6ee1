"""Every metric of the pages of opt-out links, with what moves it."""

from prometheus_client import Counter

from shared.metrics import from_zero

LINK_PAGES = from_zero(
    Counter(
        "stopline_optout_link_pages",
        "A page of an opt-out link was answered. method: GET, POST; page: which one, such as out (of a list), ask, "
        "unavailable (Kafka did not acknowledge the click), too_many (more links than a person opens).",
        ["method", "page"],
    ),
    ("GET", "POST"),
    ("unavailable", "too_many"),
)
