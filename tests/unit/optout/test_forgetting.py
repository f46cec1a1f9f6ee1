"""What is older than the attribution window is deleted faster than new messages come, whatever the batches are like."""

import pytest

from services.optout.pipeline.forgetting import Forgetting


@pytest.mark.parametrize("batch_records", [1, 7, 300, 2_000])
def test_more_is_forgotten_than_comes(batch_records: int) -> None:
    forgetting = Forgetting()
    deleted = sum(forgetting.due(batch_records) for _ in range(1_000))
    assert deleted >= 1.5 * 1_000 * batch_records


def test_small_batches_do_not_delete_each_time() -> None:
    forgetting = Forgetting()
    assert [forgetting.due(1) for _ in range(99)] == [0] * 99
    assert forgetting.due(1) > 0
    assert forgetting.due(1) == 0
