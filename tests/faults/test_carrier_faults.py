"""The carrier fails in every way that leaves the outcome open: nothing is sent twice, everything has an outcome."""

from typing import Any

import pytest

from faults.world import World

pytestmark = pytest.mark.timeout(240)

FAULTS: dict[str, dict[str, Any]] = {
    "refuses": {"error_rate": 0.3, "error_status": 422},
    "takes nothing at this pace": {"error_rate": 0.3, "error_status": 429},
    "fails": {"error_rate": 0.3, "error_status": 503},
    "fails after delivering, receipts follow": {"error_rate": 0.3, "deliver_before_error": True, "receipts": True},
    "drops the connection before delivering": {"drop_rate": 0.3, "drop_when": "before"},
    "drops the connection after delivering, receipts follow twice": {
        "drop_rate": 0.3,
        "drop_when": "after",
        "receipts": True,
        "duplicate_webhooks": 1,
    },
    "answers too late": {"latency_seconds": 2.5, "receipts": True},
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_carrier_at_fault_is_called_once_for_each_message(name: str, world: World) -> None:
    async with world.load() as load:
        await load.flows()
        await world.sandbox.set_faults(**FAULTS[name])
        await load.flows(more_calls=40)
    history = await world.settle()
    unusual = [call for call in history.calls if call.status != 200]
    assert unusual or name == "answers too late", "the fault must have struck"


async def test_messages_whose_answer_was_lost_are_settled_by_their_receipts(world: World) -> None:
    await world.sandbox.set_faults(drop_rate=1, drop_when="after", receipts=True)
    request = await world.send(world.shop.phones[0], world.shop.list_ids[0])
    await world.outcome(request, "message_sent")
    history = await world.settle()
    assert [call.status for call in history.calls] == [None]
