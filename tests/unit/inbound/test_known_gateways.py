"""What people are shown of gateways covers all that have a webhook, and no other."""

from services.inbound.gateways import MESSAGES
from shared.gateways import KNOWN_GATEWAYS


def test_every_gateway_has_a_name_for_people_and_a_place_where_its_address_is_set() -> None:
    assert set(KNOWN_GATEWAYS) == set(MESSAGES)
    assert all(known.title and known.console for known in KNOWN_GATEWAYS.values())
