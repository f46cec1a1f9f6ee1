"""What ends a start with one line, and a stop that loses nothing."""

import asyncio
from pathlib import Path

import httpx
import pytest
from inbound_world import Gateway, new_http, stop_of, value_of

from harness.processes import ManagedProcess
from harness.stack.service import Service


async def end_of_start(service: Service, **settings: str) -> tuple[int, str]:
    await service.start(extra_env=settings, wait=False)
    code = await service.wait_exit(30)
    lines = [line for line in service.process.log_tail(50).splitlines() if not line.startswith("{")]
    assert len(lines) == 1, lines
    return code, lines[0]


async def test_topics_that_do_not_match_end_the_start_with_what_differs(service: Service) -> None:
    code, line = await end_of_start(service, STOPLINE_PARTITIONS="5")
    assert code == 78
    assert "inbound-messages has 6 partitions, must have 5" in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STOPLINE_WEBHOOK_KEY", "short"),
        ("STOPLINE_KAFKA_BOOTSTRAP", "nowhere"),
        ("STOPLINE_HTTP_PORT", "port"),
        ("STOPLINE_LOG_LEVEL", "LOUD"),
        ("STOPLINE_FAILPOINT", "inbound.before_publish=explode"),
    ],
)
async def test_a_wrong_setting_ends_the_start_with_its_name(name: str, value: str, service: Service) -> None:
    code, line = await end_of_start(service, **{name: value})
    assert code == 78
    assert name in line


async def test_a_stop_answers_what_it_has_begun(service: Service, its_gateway: Gateway) -> None:
    await service.start()
    async with new_http() as http:

        async def post(number: int) -> str | None:
            try:
                answer = await http.post(its_gateway.address(), data=stop_of(f"+614{number:08d}"))
            except httpx.TransportError:
                return None
            return str(answer.json()["event_id"])

        posting = [asyncio.create_task(post(number)) for number in range(100)]
        await asyncio.wait(posting, return_when=asyncio.FIRST_COMPLETED)
        await service.stop()
        answered = {event_id for event_id in await asyncio.gather(*posting) if event_id}
    assert answered
    assert answered <= {value_of(record)["event_id"] for record in await its_gateway.records()}
    _ended_by_itself(service.process)


def _ended_by_itself(process: ManagedProcess) -> None:
    assert process.returncode in {0, -15}, Path(process.log_path).read_text()[-2000:]
