"""What the account is shown about carriers that answer STOP is what the sender warns of."""

from services.sender.carriers import CARRIERS
from shared.answers_stop import HOW_TO_SWITCH_OFF


def test_each_carrier_that_answers_stop_itself_has_a_way_to_switch_it_off() -> None:
    assert {name for name, adapter in CARRIERS.items() if adapter.answers_stop_itself} == set(HOW_TO_SWITCH_OFF)
