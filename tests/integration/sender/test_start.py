"""A sender that must not run says so in one line and ends with code 78."""

import pytest

from harness.stack.service import Service
from shared.service import EXIT_MISCONFIGURED

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("STOPLINE_CARRIER_URL", "carrier:8084", "STOPLINE_CARRIER_URL"),
        ("STOPLINE_CALLS_IN_FLIGHT", "many", "STOPLINE_CALLS_IN_FLIGHT"),
        ("STOPLINE_CACHE_DIR", "/proc/nowhere", "STOPLINE_CACHE_DIR"),
        ("STOPLINE_SENDER_DATABASE_URL", "postgres://nobody@{postgres}/nothing", "STOPLINE_SENDER_DATABASE_URL"),
        ("STOPLINE_PARTITIONS", "5", "has 3 partitions, must have 5"),
    ],
)
async def test_a_wrong_setting_ends_the_start_with_a_line_that_names_it(
    setting: str, value: str, says: str, spare_sender: Service, postgres_address: str
) -> None:
    await spare_sender.start(extra_env={setting: value.format(postgres=postgres_address)}, wait=False)
    assert await spare_sender.wait_exit() == EXIT_MISCONFIGURED
    last_line = spare_sender.process.log_path.read_text().splitlines()[-1]
    assert last_line.startswith("sender: ")
    assert says in last_line
